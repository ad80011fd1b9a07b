/* Replays a fuzz target's corpus without libFuzzer: every file of the folders (or the files) given
 * is handed to LLVMFuzzerTestOneInput once, and so is every prefix of the first 512 bytes. A corpus
 * that is missing or empty is a failure: a test that replays nothing proves nothing. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replayed;

/* An exact-size heap copy, so that the sanitizer sees the first byte past the end. */
static void one_input(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void one_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return;
    static uint8_t buffer[1 << 20];
    size_t size = fread(buffer, 1, sizeof buffer, file);
    fclose(file);
    one_input(buffer, size);
    for (size_t cut = 0; cut < size && cut < 512; cut++)
        one_input(buffer, cut);
    replayed++;
}

static void one_path(const char *path)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return;
    if (!S_ISDIR(st.st_mode)) {
        one_file(path);
        return;
    }
    DIR *dir = opendir(path);
    if (!dir)
        return;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char name[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
        one_path(name);
    }
    closedir(dir);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        one_path(argv[i]);
    if (replayed == 0) {
        fprintf(stderr, "no corpus at %s\n", argc > 1 ? argv[1] : "(none given)");
        return 1;
    }
    printf("%d inputs replayed\n", replayed);
    return 0;
}
