/* Model directories: opened and ready to use. A directory is what diffusers writes (model_index.json, unet/, scheduler/) plus
 * ito.json, which records how the model came to be; docs/formats.md has the details.
 *
 *     ito_model_open(ctx, "out/mnist", &model);
 *     ito_generate(model, &(ito_generate_options){.n = 16, .guidance = 2, .labels = labels}, images);
 *     ito_model_destroy(model);
 *
 * Programs for each batch size are compiled at first use and kept; parameters are shared by all of them. */
#ifndef ITO_MODEL_H
#define ITO_MODEL_H

#include <ito/denoiser.h>
#include <ito/plan.h>
#include <ito/process.h>
#include <ito/sampler.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_model ito_model;

/* The caller destroys *out. ITO_FORMAT or ITO_NOT_FOUND say which file, which field. dir may be a safetensors file with the weights
 * of Inception-v3 under the names that pytorch-fid and torchvision give them ("Mixed_5b.branch1x1.conv.weight", ..., "fc.weight"
 * [1008 or 1000, 2048]): a classifier for ito_model_features_of, FID's where the weights are those of pytorch-fid's file. */
ito_status ito_model_open(ito_ctx *ctx, const char *dir, ito_model **out);
void ito_model_destroy(ito_model *model);

/* Everything belongs to the model. */
typedef struct ito_model_info {
    const char *task; /* "denoiser" or "classifier" */
    const char *
        pipeline; /* model_index.json's _class_name: "DDPMPipeline" opens in diffusers, "ItoDenoiser" and "ItoClassifier" do not */
    const char *architecture; /* "UNet2DModel", "MLP" */
    int height, width, channels;
    int n_classes;                  /* 0: not conditional */
    const char *const *class_names; /* n_classes of them; "0", "1", ... when nobody named them */
    bool takes_any_size;            /* ito_model_features_of scales images to height x width */
    int n_features;                 /* of a classifier: numbers that its last layer reads; of a denoiser 0 */
    bool has_null_label;            /* can be sampled without a label: classifier-free guidance works */
    int64_t n_weights;
    const ito_process *process; /* of a denoiser */
    const char *prediction;     /* "eps", "x0", "v" */
    const char *record;         /* ito.json as text; "{}" for a directory that ito did not write */
    /* The class of diffusers' scheduler that samples are made by unless something else is asked for: of a directory whose record names no
     * sampler. NULL: ito's own defaults. */
    const char *scheduler;
    /* Of points (height and width 1), as ito_dataset_info has them: NULL where the record says nothing. */
    const double *offset, *scale;
    const char *const *channel_names;
} ito_model_info;
const ito_model_info *ito_model_get_info(const ito_model *model);

/* Compiles by that plan from now on; programs compiled before are dropped. The plan must outlive the model; NULL: the table's
 * choice. An algorithm that there is not shows when a program is compiled. */
void ito_model_use_plan(ito_model *model, const ito_plan *plan);
/* ITO_BF16: weights are rounded to 16 bits where they are packed for the kernels, which halves what a network takes beside its
 * float32 weights and what a single image waits for; images hardly change (docs/performance.md, "bf16"). ITO_F32 is the default.
 * Programs compiled before are dropped. ITO_USAGE for other types. */
ito_status ito_model_use_precision(ito_model *model, ito_dtype precision);
/* Adds what the programs compiled so far compute with. */
ito_status ito_model_plan(const ito_model *model, ito_plan *plan);

/* A denoiser on the model's network, for samplers of one's own. Condition: "label" i32 [n], 0 .. n_classes - 1, or n_classes
 * for "none"; it may be missing. Has a vjp; its extra channels are the model's learned variance. The model must outlive it, the caller
 * clears it. ITO_STATE for a classifier. */
ito_status ito_model_denoiser(ito_model *model, ito_denoiser *out);

/* Sampling as the program does it. Zero fields take the model's recorded defaults, then ito's. */
typedef struct ito_generate_options {
    int n;                 /* images; 0: 1 */
    int batch;             /* images at a time; 0: 64 or fewer */
    const int32_t *labels; /* [n], NULL: without labels (or 0, 1, 2, ... repeating when `spread`) */
    bool spread;
    double guidance; /* classifier-free guidance scale; 0 and has_guidance false: the model's default */
    bool has_guidance;
    bool
        exact; /* an image's bits are the same in any batch: the network sees one at a time, which takes longer. Otherwise
                   they agree to 1e-4 */
    /* A scheduler_config.json to sample by (ito/scheduler.h): its process, prediction, steps and clipping instead of the model's and
     * of those in `sample`. */
    const char *scheduler;
    ito_sample_options
        sample; /* sampler, steps, seed, clip, hooks, progress; first_sample, samples and start per image */
} ito_generate_options;

/* images: [n, H, W, C] in -1..1, points as they were trained on (not in their own units). labels_used, when not NULL, receives n labels (-1: none). */
ito_status ito_generate(ito_model *model, const ito_generate_options *options, float *images, int32_t *labels_used);

/* probabilities [n, n_classes] of images [n, H, W, C]. ITO_STATE for a denoiser. */
ito_status ito_model_classify(ito_model *model, int n, const float *images, float *probabilities);

/* features [n, n_features], what the classifier's last layer reads, of images [n, H, W, C] in -1..1: ItoConvNet's are the mean over
 * the image of its last activations, about 0..10. probabilities [n, n_classes] come from the same pass, or NULL. Images are
 * taken 64 at a time; features do not depend on the batch but to 1e-4. ITO_STATE for a denoiser. */
ito_status ito_model_features(ito_model *model, int n, const float *images, float *features, float *probabilities);

/* The same of images [n, height, width, channels] of any size, for extractors that take any (takes_any_size): each is scaled to the
 * extractor's size by bilinear interpolation without antialiasing, half-pixel centres (PyTorch's interpolate(mode="bilinear",
 * align_corners=False)), and grey becomes three equal channels. Inception-v3 so sees 299 x 299 in -1..1, as FID is defined.
 * ITO_SHAPE for another size than that of an extractor with one size of its own, or for channels other than its own and 1. */
ito_status ito_model_features_of(ito_model *model, int n, int height, int width, int channels, const float *images,
                                 float *features, float *probabilities);

/* A hash of the network's config and of every weight's name, shape and value (FNV-1a, 64 bits): two extractors with the same one
 * give the same features, so it stands beside every number that is made of them. ITO_MEMORY. */
ito_status ito_model_fingerprint(const ito_model *model, uint64_t *out);

#ifdef __cplusplus
}
#endif
#endif
