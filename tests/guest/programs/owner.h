/* Whose a file is. */
#ifndef OWNER_H
#define OWNER_H
#include "check.h"

static void show(const char *path) {
    struct stat found;
    if (lstat(path, &found) == 0)
        printf("%s: %d:%d %o\n", path, (int)found.st_uid, (int)found.st_gid, (unsigned)found.st_mode);
    else
        printf("%s: %s\n", path, error_name(errno));
}

#endif
