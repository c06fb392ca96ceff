/* libito: diffusion models in C. All of the library in one include; a complete program:
 *
 *     #include <ito/ito.h>
 *     #include <stdio.h>
 *
 *     int main(void)
 *     {
 *         ito_ctx *ctx;
 *         ito_model *model = NULL;
 *         static float images[16 * 28 * 28]; // of a model trained on 28x28 grey images
 *         if (ito_ctx_create(NULL, &ctx)) return 1;
 *         ito_generate_options options = {.n = 16, .spread = true, .guidance = 2};
 *         if (ito_model_open(ctx, "out/mnist", &model) || ito_generate(model, &options, images, NULL))
 *             fprintf(stderr, "%s\n", ito_last_error(ctx));
 *         else
 *             printf("first pixel of the first image: %g\n", (double)images[0]);
 *         ito_model_destroy(model);
 *         ito_ctx_destroy(ctx);
 *     }
 *
 * Build it: cc program.c $(pkg-config --cflags --libs ito)
 *
 * Every fallible function returns an ito_status and leaves a sentence in the context. What you _create you _destroy; what
 * you get from an object belongs to it. Option structs may be zero. Nothing prints, nothing exits, nothing is global. */
#ifndef ITO_ITO_H
#define ITO_ITO_H

/* base */
#include <ito/context.h>
#include <ito/option.h>
#include <ito/registry.h>
#include <ito/rng.h>
#include <ito/status.h>
#include <ito/tensor.h>
#include <ito/version.h>

/* the engine */
#include <ito/graph.h>
#include <ito/ops.h>
#include <ito/params.h>
#include <ito/plan.h>
#include <ito/program.h>

/* noise, predictions, sampling */
#include <ito/clip.h>
#include <ito/condition.h>
#include <ito/denoiser.h>
#include <ito/guidance.h>
#include <ito/loss.h>
#include <ito/mixture.h>
#include <ito/noise.h>
#include <ito/prediction.h>
#include <ito/process.h>
#include <ito/sampler.h>
#include <ito/scheduler.h>
#include <ito/spacing.h>
#include <ito/timedist.h>
#include <ito/variance.h>
#include <ito/verify.h>
#include <ito/weighting.h>

/* scores */
#include <ito/likelihood.h>
#include <ito/metric.h>

/* data and files */
#include <ito/data.h>
#include <ito/grid.h>
#include <ito/image.h>
#include <ito/npz.h>
#include <ito/panels.h>
#include <ito/plot.h>
#include <ito/safetensors.h>
#include <ito/shapes.h>

/* models */
#include <ito/bench.h>
#include <ito/model.h>
#include <ito/train.h>

#endif
