/* SPDX-License-Identifier: ISC */
/* A main for fuzz targets without libFuzzer: feeds them the files given, and
 * all files of the folders given. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned long n_files;

static int
replay_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rbe");
	uint8_t *data;
	size_t n;

	if (f == NULL) {
		perror(path);
		return -1;
	}
	/* Exactly as large as the input, so that a sanitizer sees overruns;
	 * at least one byte, since an empty file is an input, too. */
	data = malloc(size > 0 ? size : 1);
	if (data == NULL) {
		perror("malloc");
		fclose(f);
		return -1;
	}
	n = fread(data, 1, size, f);
	fclose(f);
	(void)LLVMFuzzerTestOneInput(data, n);
	free(data);
	n_files++;
	return 0;
}

static int
replay(const char *path, int with_folders)
{
	struct stat st;
	struct dirent *de;
	int bad = 0;
	DIR *d;

	if (stat(path, &st) == -1) {
		perror(path);
		return -1;
	}
	if (S_ISREG(st.st_mode))
		return replay_file(path, (size_t)st.st_size);
	if (!S_ISDIR(st.st_mode) || !with_folders)
		return 0;
	d = opendir(path);
	if (d == NULL) {
		perror(path);
		return -1;
	}
	while ((de = readdir(d)) != NULL) {
		char *sub;

		if (de->d_name[0] == '.')
			continue;
		if (asprintf(&sub, "%s/%s", path, de->d_name) == -1)
			abort();
		if (replay(sub, 0) == -1)
			bad = -1;
		free(sub);
	}
	closedir(d);
	return bad;
}

int
main(int argc, char **argv)
{
	int bad = 0;
	int i;

	for (i = 1; i < argc; i++) {
		if (replay(argv[i], 1) == -1)
			bad = 1;
	}
	printf("%lu inputs replayed\n", n_files);
	return bad;
}
