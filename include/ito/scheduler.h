/* Schedulers of diffusers: a scheduler_config.json opened as a process, a prediction and the options of a sampler, so that sampling
 * computes what that library's scheduler computes: its float32 tables, its timesteps and sigmas, its ends, its clipping.
 * docs/formats.md has the classes and what becomes of their options.
 *
 *     ito_scheduler_open(ctx, "model/scheduler/scheduler_config.json", &scheduler);
 *     ito_scheduler_plan(scheduler, &(ito_scheduler_use){.n_steps = 20}, &options);
 *     ito_sample(ctx, ito_scheduler_process(scheduler), &denoiser, NULL, &options, &x);
 *
 * The denoiser's prediction is ito_scheduler_prediction(scheduler); the caller destroys the scheduler after the run. */
#ifndef ITO_SCHEDULER_H
#define ITO_SCHEDULER_H

#include <ito/sampler.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct ito_scheduler ito_scheduler;

/* From a file, or from its text, of which `where` names the place in messages. ITO_FORMAT for a wrong field, ITO_UNSUPPORTED for a class or
 * an option that ito does not have: the message names it. */
ito_status ito_scheduler_open(ito_ctx *ctx, const char *path, ito_scheduler **out);
ito_status ito_scheduler_parse(ito_ctx *ctx, const char *where, const char *json, size_t n_bytes, ito_scheduler **out);
void ito_scheduler_destroy(ito_scheduler *scheduler);

/* All belong to the scheduler. */
const char *ito_scheduler_class(const ito_scheduler *scheduler); /* "DDIMScheduler" */
const ito_process *ito_scheduler_process(const ito_scheduler *scheduler);
const ito_prediction *ito_scheduler_prediction(const ito_scheduler *scheduler);
bool ito_scheduler_learns_variance(const ito_scheduler *scheduler); /* the denoiser has extra output channels */

typedef struct ito_scheduler_use {
    int n_steps;  /* what diffusers calls num_inference_steps; 0: 50 */
    int n_tokens; /* of the image, where the shift of a flow depends on its size; 0: the file's base_image_seq_len */
} ito_scheduler_use;

/* Sets in *options what the file decides: sampler, clip, levels, the deviation of the start and encode, of an inverse scheduler. options->n_steps
 * becomes the number of the loop's steps, which differs where a scheduler begins with steps of several evaluations. What
 * options points to belongs to the scheduler, until the next plan. */
ito_status ito_scheduler_plan(ito_scheduler *scheduler, const ito_scheduler_use *use, ito_sample_options *options);

#ifdef __cplusplus
}
#endif
#endif
