/* builds: static dynamic pie static-pie
 * The auxiliary vector, checked against what it describes. */
#include "check.h"
#include <elf.h>
#include <sys/auxv.h>

extern char **environ;

int main(int argc, char **argv) {
    CHECK(getauxval(AT_PAGESZ) == PAGE);
    CHECK(getauxval(AT_CLKTCK) == 100);
    CHECK(getauxval(AT_UID) == getuid() && getauxval(AT_EUID) == geteuid());
    CHECK(getauxval(AT_GID) == getgid() && getauxval(AT_EGID) == getegid());
    CHECK(getauxval(AT_SECURE) == 0);
    CHECK(getauxval(AT_PHENT) == sizeof(Elf64_Phdr));
    CHECK(getauxval(AT_MINSIGSTKSZ) == 0 || getauxval(AT_MINSIGSTKSZ) >= 832);
    const Elf64_Phdr *headers = (const Elf64_Phdr *)getauxval(AT_PHDR);
    unsigned long count = getauxval(AT_PHNUM);
    CHECK(headers && count > 3 && count < 40);
    uintptr_t base = 0;
    int loads = 0, interpreter = 0;
    for (unsigned long i = 0; i < count; i++) {
        if (headers[i].p_type == PT_LOAD && loads++ == 0) base = ((uintptr_t)headers & ~(PAGE - 1)) - headers[i].p_vaddr / PAGE * PAGE;
        if (headers[i].p_type == PT_INTERP) interpreter = 1;
    }
    CHECK(loads > 1);
    const Elf64_Ehdr *elf = (const Elf64_Ehdr *)((uintptr_t)headers & ~(PAGE - 1));
    CHECK(!memcmp(elf->e_ident, ELFMAG, 4) && elf->e_phnum == count);
    CHECK(getauxval(AT_ENTRY) == base + elf->e_entry);
    CHECK(!!getauxval(AT_BASE) == interpreter);
    if (interpreter) CHECK(!memcmp((void *)getauxval(AT_BASE), ELFMAG, 4));
    char *file = (char *)getauxval(AT_EXECFN);
    CHECK(file && strcmp(strrchr(file, '/') + 1, strrchr(argv[0], '/') + 1) == 0);
    CHECK((char *)environ > (char *)argv && argv[argc] == NULL && environ == argv + argc + 1);
    CHECK(argv[0] > (char *)environ && file > argv[0]); /* Strings lie above the vectors. */
    uintptr_t rsp = (uintptr_t)__builtin_frame_address(0);
    CHECK((uintptr_t)argv > rsp && (uintptr_t)argv - rsp < 100000);
    CHECK(((uintptr_t)(argv - 1) & 15) == 0); /* The stack pointer at the entry point. */
    CHECK(*(long *)(argv - 1) == argc);
    CHECK(getauxval(AT_SYSINFO_EHDR) == 0 || !memcmp((void *)getauxval(AT_SYSINFO_EHDR), ELFMAG, 4));
    DONE();
}
