/* Sampling from a model directory as the program does it, for ito sample and ito eval: the options that both take, what
 * they are filled in with, progress. */
#ifndef CLI_SAMPLING_H
#define CLI_SAMPLING_H

#include <ito/model.h>

#include "planning.h"
#include "progress.h"

/* clang-format off */
#define SAMPLING_OPTIONS(default_n)                                                                                    \
    {"n", ARG_INT, "N", "images [" default_n "]"},                                                                     \
    {"label", ARG_TEXT, "L[,L..]", "names or numbers, repeated in turn; all, none [all]"},                              \
    {"guidance", ARG_REAL, "S", "0 unconditional, 1 conditional, more: stronger [the model's]"},                         \
    {"sampler", ARG_TEXT, "NAME", "ito list sampler [the model's, or ddim]"},                                           \
    {"steps", ARG_INT, "K", "sampler steps [the model's, or 50]"},                                                      \
    {"spacing", ARG_TEXT, "NAME", "which timesteps: ito list spacing [trailing]"},                                      \
    {"spacing-set", ARG_LIST, "KEY=VALUE", "an option of the spacing: rho=5 (ito explain karras)"},                     \
    {"times", ARG_TEXT, "T1,T2,..", "these times, falling, instead of steps and spacing"},                              \
    {"clip", ARG_TEXT, "NAME", "of the predicted x_0: ito list clip [static]"},                                         \
    {"set", ARG_LIST, "KEY=VALUE", "an option of the sampler: eta=1 (ito explain ddim)"},                               \
    {"scheduler", ARG_TEXT, "FILE", "a scheduler_config.json of diffusers instead of all these"},                      \
    {"seed", ARG_INT, "S", "of the noise [0]"},                                                                        \
    {"first", ARG_INT, "I", "number of the first image of this seed [0]"},                                              \
    {"batch", ARG_INT, "B", "images at a time [64; 1024 points]"},                                                                  \
    PLAN_OPTION,                                                                                                       \
    {"precision", ARG_TEXT, "P", "f32, or bf16 for packed weights of half the size [f32]"},                             \
    {"exact", ARG_FLAG, NULL, "the same bits in any batch: a network batch of one, slower"}
/* clang-format on */

typedef struct sampling {
    cli *app;
    const char *command, *path; /* of the program, of the model */
    ito_model *model;
    ito_plan *plan; /* of --plan; NULL: none */
    const char *plan_path;
    const char *precision; /* "f32" or "bf16" */
    const ito_model_info *info;
    ito_generate_options options; /* complete: nothing is left to defaults */
    const char *label_text;       /* --label, "all" or "none" */
    char *settings_text;          /* --set, with blanks between */
    char *spacing_text;           /* --spacing-set likewise */
    char *times_text;             /* --times; NULL: none */
    char *training_text;          /* JSON: what the model's record says of its training */
    char *names[3];               /* owned: sampler, spacing, clip */
    const char *sampler; /* for people: the sampler's name, or the class of a scheduler, which stands for all three */
    char *scheduler_class;
    bool by_scheduler; /* of --scheduler, or the model's own */
    ito_opts *sampler_opts, *spacing_opts;
    double *times;   /* of --times */
    int32_t *labels; /* [n], -1: none */
    float *images;   /* [n, H, W, C] */
    float *start;    /* [n, H, W, C] and scratch: where --interpolate and --encode start; NULL: the seed's noise */
    uint64_t *samples;
    double seconds;
    /* progress */
    cli_progress progress;
    int64_t n_done;     /* images of batches that are finished */
    int most_evals;     /* of the denoiser for the image with most (NFE), of batches that are finished */
    double total_evals; /* for all images */
} sampling;

/* Opens the model and reads the options. 0 or the exit status; whoever calls closes in either case. default_n 0: a grid's
 * worth. */
int sampling_open(sampling *s, cli *app, const args *a, const char *path, int default_n);
/* Fills images and labels. hooks may be NULL. */
int sampling_run(sampling *s, const ito_hook *hooks, int n_hooks);
void sampling_close(sampling *s);

/* The class's name, "" for none. */
const char *sampling_label_name(const sampling *s, int i);
size_t sampling_image_size(const sampling *s); /* floats in one image */

/* The options of a choice from the values of a repeated option, and their text with blanks between. 0 or the exit status. */
int sampling_read_settings(const sampling *s, const args *a, const char *option, const ito_choice *choice,
                           ito_opts **opts, char **text);

/* sampling_interpolate.c: the noise of n frames between those of two seeds, "A,B". Labels become none unless some were named. */
int sampling_interpolate(sampling *s, const args *a, const char *text);

/* sampling_labels.c: "circle,3", "all", "none" into s->labels [n]. */
int sampling_read_labels(sampling *s, const char *text);
/* --label, or no label at all, or where there must be one the first: for images that belong together. */
int sampling_one_label(sampling *s, const args *a);

/* sampling_encode.c: ito sample --encode. The images of a file or data set up to their noise, into FILE.npy; or down again, into a
 * picture of both. */
int sampling_encode(sampling *s, const args *a, const char *source, const char *out);

/* sampling_times.c: --steps, --spacing-set and --times; recorded_steps is what the model says. */
int sampling_read_times(sampling *s, const args *a, int64_t recorded_steps);
/* " --steps 50 --spacing trailing", or what else makes these times again. The caller frees. */
char *sampling_times_again(const sampling *s);

/* sampling_scheduler.c: whether a scheduler of diffusers decides, --scheduler or the model's own; what chooses the way of sampling, again,
 * for a command (the caller frees). */
int sampling_read_scheduler(sampling *s, const args *a, int64_t recorded_steps);
char *sampling_way_again(const sampling *s);

#endif
