/* 02 - Training and sampling inside a program of your own.
 *
 * Trains a very small class-conditional model on generated shapes for a few steps, opens the directory it left and draws
 * four images. The same calls with a folder of images and half an hour make a real model.
 * Usage: 02_train_and_sample [DIRECTORY] */
#include <ito/ito.h>

#include <stdio.h>

enum { N = 4, SIZE = 8, PIXELS = SIZE * SIZE * 3 };

/* Called as training goes; false would stop it after a checkpoint. */
static bool report(void *user, const ito_train_progress *p)
{
    (void)user;
    if (p->step) printf("step %2lld: loss %.3f\n", (long long)p->step, p->loss);
    return true;
}

static ito_status train(ito_ctx *ctx, const char *out)
{
    const char *const data_settings[] = {"size=8", NULL};
    const char *const settings[] = {"steps=20",
                                    "batch=8",
                                    "architecture.block_out_channels=[16,16]",
                                    "architecture.attention_head_dim=8",
                                    "architecture.down_block_types=[\"DownBlock2D\",\"DownBlock2D\"]",
                                    "architecture.up_block_types=[\"UpBlock2D\",\"UpBlock2D\"]",
                                    NULL};
    ito_train_result result;
    ito_train_options options = {.data = "shapes",
                                 .data_settings = data_settings,
                                 .recipe = "shapes",
                                 .settings = settings,
                                 .out = out,
                                 .progress = report};
    return ito_train(ctx, &options, &result);
}

static ito_status sample(ito_ctx *ctx, const char *dir)
{
    float images[N * PIXELS];
    int32_t labels[N];
    ito_model *model;
    ito_status st = ito_model_open(ctx, dir, &model);
    if (st != ITO_OK) return st;
    const ito_model_info *info = ito_model_get_info(model);
    ito_generate_options options = {.n = N, .spread = true, .guidance = 2, .sample = {.n_steps = 10, .seed = 1}};
    st = ito_generate(model, &options, images, labels);
    for (int i = 0; st == ITO_OK && i < N; i++) {
        double mean = 0;
        for (int k = 0; k < PIXELS; k++) mean += (double)images[i * PIXELS + k] / PIXELS;
        printf("%-10s mean %+.2f\n", info->class_names[labels[i]], mean);
    }
    ito_model_destroy(model);
    return st;
}

int main(int argc, char **argv)
{
    const char *dir = argc > 1 ? argv[1] : "out/example_02";
    ito_ctx *ctx;
    if (ito_ctx_create(NULL, &ctx) != ITO_OK) return 1;
    ito_status st = train(ctx, dir);
    if (st == ITO_OK) st = sample(ctx, dir);
    if (st != ITO_OK) fprintf(stderr, "%s\n", ito_last_error(ctx));
    ito_ctx_destroy(ctx);
    return st != ITO_OK;
}
