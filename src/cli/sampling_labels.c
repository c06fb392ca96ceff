/* Labels from the command line. */
#include <stdlib.h>
#include <string.h>

#include "sampling.h"

static int find_class(const ito_model_info *info, const char *word)
{
    for (int k = 0; k < info->n_classes; k++)
        if (!strcmp(info->class_names[k], word)) return k;
    char *end;
    long number = strtol(word, &end, 10);
    return end != word && !*end && number >= 0 && number < info->n_classes ? (int)number : -1;
}

static int unknown_label(const sampling *s, const char *word)
{
    const ito_model_info *info = s->info;
    const char *nearest = ito_name_nearest(word, info->n_classes, info->class_names);
    if (nearest) return cli_usage(s->command, "%s has no class '%s'; did you mean '%s'?", s->path, word, nearest);
    return cli_usage(s->command, "%s has no class '%s'; it has %d, from '%s' to '%s'", s->path, word, info->n_classes,
                     info->class_names[0], info->class_names[info->n_classes - 1]);
}

/* The list once through into labels [room]; the number of labels, or -1 after a complaint. */
static int read_list(const sampling *s, const char *text, int room, int32_t *labels)
{
    char word[128];
    int n = 0;
    for (const char *at = text;; at++) {
        size_t length = strcspn(at, ",");
        snprintf(word, sizeof word, "%.*s", (int)length, at);
        int label = strcmp(word, "none") ? find_class(s->info, word) : s->info->n_classes;
        if (label < 0) {
            unknown_label(s, word);
            return -1;
        }
        if (n < room) labels[n++] = label;
        at += length;
        if (!*at) return n;
    }
}

int sampling_read_labels(sampling *s, const char *text)
{
    const ito_model_info *info = s->info;
    int n = s->options.n;
    if (!info->n_classes) {
        if (text && strcmp(text, "none") != 0)
            return cli_usage(s->command, "%s was trained without labels; leave --label out", s->path);
        s->label_text = "none";
        return CLI_DONE;
    }
    s->label_text = text ? text : "all";
    bool is_all = !strcmp(s->label_text, "all");
    int n_given = is_all ? info->n_classes : read_list(s, s->label_text, n, s->labels);
    if (n_given < 0) return CLI_USAGE;
    for (int i = 0; i < n; i++) {
        if (is_all)
            s->labels[i] = (int32_t)((s->options.sample.first_sample + (uint64_t)i) % (uint64_t)n_given);
        else
            s->labels[i] = s->labels[i % n_given];
    }
    s->options.labels = s->labels;
    return CLI_DONE;
}

int sampling_one_label(sampling *s, const args *a)
{
    const char *otherwise = !s->info->n_classes ? NULL : s->info->has_null_label ? "none" : "0";
    return sampling_read_labels(s, args_text(a, "label", otherwise));
}
