/* Runs a fuzz target over the files of the folders given, so that the corpus is a regression test that needs no
 * libFuzzer. A crash or a sanitizer report is the failure. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The copy has exactly the file's size, so that a sanitizer sees a read past its end. */
static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END)) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        return 1;
    }
    size_t size = (size_t)ftell(f);
    rewind(f);
    uint8_t *data = malloc(size);
    int failed = (size && !data) || fread(data, 1, size, f) != size;
    fclose(f);
    if (!failed) LLVMFuzzerTestOneInput(data, size);
    free(data);
    return failed;
}

static int replay_folder(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        fprintf(stderr, "replay: no folder %s\n", folder);
        return 1;
    }
    int n = 0, failed = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char path[4096];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        failed += replay(path);
        n++;
    }
    closedir(dir);
    printf("%s: %d inputs\n", folder, n);
    return failed || n == 0;
}

int main(int argc, char **argv)
{
    int failed = 0;
    for (int i = 1; i < argc; i++) failed += replay_folder(argv[i]);
    return failed != 0;
}
