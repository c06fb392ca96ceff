/* "Did you mean": the nearest name by Levenshtein distance. */
#include <ito/registry.h>

#include <string.h>

#include "base/base.h"

#define LONGEST 63

static int edit_distance(const char *a, const char *b)
{
    int n = (int)strlen(a), m = (int)strlen(b), row[LONGEST + 1];
    if (n > LONGEST || m > LONGEST) return LONGEST;
    for (int j = 0; j <= m; j++) row[j] = j;
    for (int i = 1; i <= n; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= m; j++) {
            int substitute = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = ITO_MIN(substitute, ITO_MIN(row[j], row[j - 1]) + 1);
        }
    }
    return row[m];
}

const char *ito__nearest(const char *word, int n, const char *const *names)
{
    const char *best = NULL;
    int best_distance = (int)strlen(word) / 2 + 2; /* farther than this is no typing slip */
    for (int i = 0; i < n; i++) {
        int distance = edit_distance(word, names[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = names[i];
        }
    }
    return best;
}

const char *ito_name_nearest(const char *word, int n, const char *const *names)
{
    return ito__nearest(word, n, names);
}
