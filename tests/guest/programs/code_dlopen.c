/* builds: pie */
/* flags: -ldl */
/* dlopen and dlclose of two libraries in turn, which come to lie at the same address. */
#include "check.h"
#include <dlfcn.h>
#include <elf.h>

/* Makes a tiny shared object: one page, mapped twice, with a symbol `value` and code that returns a number. */

static void library(const char *name, int number) {
    static unsigned char image[PAGE];
    memset(image, 0, sizeof image);
    enum { DYNAMIC = 0x200, SYMBOLS = 0x300, STRINGS = 0x380, HASH = 0x3c0, CODE = 0x400 };
    Elf64_Ehdr *header = (Elf64_Ehdr *)image;
    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64, header->e_ident[EI_DATA] = ELFDATA2LSB, header->e_ident[EI_VERSION] = EV_CURRENT;
    header->e_type = ET_DYN, header->e_machine = EM_X86_64, header->e_version = EV_CURRENT;
    header->e_phoff = sizeof *header, header->e_ehsize = sizeof *header, header->e_phentsize = sizeof(Elf64_Phdr);
    header->e_phnum = 3;
    Elf64_Phdr *segments = (Elf64_Phdr *)(image + sizeof *header);
    segments[0] = (Elf64_Phdr){PT_LOAD, PF_R | PF_X, 0, 0, 0, sizeof image, sizeof image, PAGE};
    segments[1] = (Elf64_Phdr){PT_LOAD, PF_R | PF_W, 0, PAGE, PAGE, sizeof image, sizeof image, PAGE};
    segments[2] = (Elf64_Phdr){PT_DYNAMIC, PF_R | PF_W, DYNAMIC, PAGE + DYNAMIC, PAGE + DYNAMIC, 7 * 16, 7 * 16, 8};
    Elf64_Dyn *dynamic = (Elf64_Dyn *)(image + DYNAMIC);
    dynamic[0] = (Elf64_Dyn){DT_HASH, {HASH}};
    dynamic[1] = (Elf64_Dyn){DT_STRTAB, {STRINGS}};
    dynamic[2] = (Elf64_Dyn){DT_SYMTAB, {SYMBOLS}};
    dynamic[3] = (Elf64_Dyn){DT_STRSZ, {7}};
    dynamic[4] = (Elf64_Dyn){DT_SYMENT, {sizeof(Elf64_Sym)}};
    memcpy(image + STRINGS, "\0value", 7);
    Elf64_Sym *symbols = (Elf64_Sym *)(image + SYMBOLS);
    symbols[1] = (Elf64_Sym){1, ELF64_ST_INFO(STB_GLOBAL, STT_FUNC), STV_DEFAULT, 1, CODE, 6};
    uint32_t *hash = (uint32_t *)(image + HASH);
    hash[0] = 1, hash[1] = 2, hash[2] = 1;
    unsigned char code[] = {0xb8, (unsigned char)number, 0, 0, 0, 0xc3};
    memcpy(image + CODE, code, sizeof code);
    int fd = (int)MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0755));
    MUST(write(fd, image, sizeof image));
    MUST(close(fd));
}

int main(void) {
    library("./one.so", 1);
    library("./two.so", 2);
    void *last = NULL;
    int same = 0;
    for (int i = 0; i < 8; i++) {
        void *handle = dlopen(i % 2 ? "./two.so" : "./one.so", RTLD_NOW);
        if (!handle) {
            puts(dlerror());
            return 99;
        }
        int (*value)(void);
        *(void **)&value = dlsym(handle, "value");
        printf("%d\n", value ? value() : -1);
        same += (void *)value == last;
        last = (void *)value;
        SHOW(dlclose(handle));
    }
    CHECK(same == 7);
    DONE();
}
