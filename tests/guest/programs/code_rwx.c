/* A page that is readable, writable and executable at once: always the code that was written last. */
#include "code_jit.h"

int main(void) {
    unsigned char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    MUST((long)page);
    long wrong = 0;
    for (int i = 0; i < 200; i++) {
        emit(page, i);
        wrong += run(page) != i;
        page[1] = (unsigned char)(i + 1); /* One byte of the number only. */
        wrong += (run(page) & 0xff) != ((i + 1) & 0xff);
    }
    SHOW(wrong);
    /* Across the end of a page. */
    for (int i = 0; i < 8; i++) {
        emit(page + PAGE - i, 1000 + i);
        wrong += run(page + PAGE - i) != 1000 + i;
    }
    SHOW(wrong);
    /* Code that changes the instruction after the next: mov byte [rip + 0], 77; the constant of mov eax. */
    static const unsigned char itself[] = {0xc6, 0x05, 0x01, 0, 0, 0, 77, 0xb8, 1, 0, 0, 0, 0xc3};
    memcpy(page, itself, sizeof itself);
    SHOW(run(page));
    page[8] = 5;
    SHOW(run(page));
    /* A loop that counts by changing the constant that it adds: five rounds, 1 + 2 + 3 + 4 + 5.
     * xor eax,eax; mov ecx,5; again: add eax,1; inc byte [rip-9+...]; dec ecx; jnz again; ret */
    static const unsigned char loop[] = {0x31, 0xc0, 0xb9, 5, 0,    0,    0,    0x05, 1,    0,   0,
                                         0,    0xfe, 0x05, 0xf6, 0xff, 0xff, 0xff, 0xff, 0xc9, 0x75, 0xf1, 0xc3};
    memcpy(page + 100, loop, sizeof loop);
    SHOW(run(page + 100));
    /* Written by the kernel: read() into code that has run. */
    int fd = make_file("code", 0, 0);
    unsigned char buffer[FUNCTION_BYTES];
    emit(buffer, 4321);
    MUST(write(fd, buffer, sizeof buffer));
    emit(page + 300, 1);
    SHOW(run(page + 300));
    SHOW(pread(fd, page + 300, sizeof buffer, 0));
    SHOW(run(page + 300));
    /* By string instructions, and page by page with another size of store. */
    emit(page + 512, 7);
    SHOW(run(page + 512));
    emit(buffer, 8);
    void *to = page + 512, *from = buffer;
    size_t count = sizeof buffer;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(count)::"memory");
    SHOW(run(page + 512));
    __asm__ volatile("movdqu (%0), %%xmm0\n movdqu %%xmm0, (%1)" ::"r"(page + 300), "r"(page + 512) : "xmm0", "memory");
    SHOW(run(page + 512));
    /* A function that stores over the end of its own page, into code of the next: mov [rdi], rsi; ret. */
    static const unsigned char store[] = {0x48, 0x89, 0x37, 0xc3};
    memcpy(page + 1024, store, sizeof store);
    void (*change)(unsigned char *, unsigned long);
    unsigned char *changer = page + 1024;
    memcpy(&change, &changer, sizeof change);
    emit(page + PAGE, 1);
    SHOW(run(page + PAGE));
    for (unsigned long i = 20; i < 23; i++) {
        unsigned long both;
        memcpy(&both, page + PAGE - 4, sizeof both);
        change(page + PAGE - 4, (both & ~(0xffUL << 40)) | i << 40);
        SHOW(run(page + PAGE));
    }
    DONE();
}
