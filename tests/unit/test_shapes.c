/* Shapes: the same index is the same picture, fields lie in their ranges, and the reader recovers what was drawn:
 * at least 99 % of the main shapes at 32 x 32 and 97 % at 16 x 16, on clean and on blurred and noisy pictures. */
#include "scratch.h"

#include <math.h>

#include <ito/data.h>
#include <ito/rng.h>
#include <ito/shapes.h>

#include "base/base.h"

static void test_pure_function(void **state)
{
    scratch *s = *state;
    ito_dataset *data, *test;
    float a[32 * 32 * 3], b[32 * 32 * 3];
    int32_t label;
    assert_ok(s->ctx, ito_data_open(s->ctx, "shapes", NULL, &data));
    assert_ok(s->ctx, ito_data_open(s->ctx, "shapes", (const char *const[]){"split=test", NULL}, &test));
    const ito_dataset_info *info = ito_dataset_get_info(data);
    assert_true(info->n_samples == 0 && info->height == 32 && info->channels == 3);
    assert_int_equal(info->n_classes, ITO_SHAPES_KINDS);
    for (int64_t i = 0; i < 5; i++) {
        int64_t index = i * 1000000007;
        assert_ok(s->ctx, ito_dataset_get(data, s->ctx, index, (void *[]){a, &label, NULL, NULL, NULL}));
        assert_ok(s->ctx, ito_dataset_get(data, s->ctx, index, (void *[]){b, NULL, NULL, NULL, NULL}));
        assert_memory_equal(a, b, sizeof a);
        assert_ok(s->ctx, ito_dataset_get(test, s->ctx, index, (void *[]){b, NULL, NULL, NULL, NULL}));
        assert_memory_not_equal(a, b, sizeof a);
    }
    ito_dataset_destroy(test);
    ito_dataset_destroy(data);
}

static void test_ranges_and_balance(void **state)
{
    scratch *s = *state;
    ito_dataset *data;
    float image[12 * 20 * 3], mask[12 * 20], edges[12 * 20];
    char caption[ITO_SHAPES_CAPTION];
    int counts[ITO_SHAPES_KINDS] = {0};
    int32_t label;
    const char *settings[] = {"size=12", "width=20", "count=0", NULL};
    assert_ok(s->ctx, ito_data_open(s->ctx, "shapes", settings, &data));
    for (int64_t i = 0; i < 600; i++) {
        assert_ok(s->ctx, ito_dataset_get(data, s->ctx, i, (void *[]){image, &label, caption, mask, edges}));
        counts[label]++;
        assert_non_null(strstr(caption, ito_shapes_name(label)));
        float inside = 0, outline = 0;
        for (int k = 0; k < 720; k++) assert_true(image[k] >= -1 && image[k] <= 1);
        for (int k = 0; k < 240; k++) {
            assert_true(mask[k] >= 0 && mask[k] <= 1 && edges[k] >= 0 && edges[k] <= 1);
            inside += mask[k], outline += edges[k];
        }
        assert_true(inside > 5 && inside < 150 && outline > 8);
    }
    for (int k = 0; k < ITO_SHAPES_KINDS; k++) assert_in_range(counts[k], 60, 140); /* 100 expected, sd 9 */
    ito_dataset_destroy(data);
}

/* On the grid of 8 bits, and nowhere further from the picture as drawn than its half. */
static void test_rounded(void **state)
{
    scratch *s = *state;
    ito_dataset *drawn, *rounded;
    float a[32 * 32 * 3], b[32 * 32 * 3];
    bool differs = false;
    assert_ok(s->ctx, ito_data_open(s->ctx, "shapes", NULL, &drawn));
    assert_ok(s->ctx, ito_data_open(s->ctx, "shapes", (const char *const[]){"rounded=true", NULL}, &rounded));
    assert_ok(s->ctx, ito_dataset_get(drawn, s->ctx, 5, (void *[]){a, NULL, NULL, NULL, NULL}));
    assert_ok(s->ctx, ito_dataset_get(rounded, s->ctx, 5, (void *[]){b, NULL, NULL, NULL, NULL}));
    for (int k = 0; k < 32 * 32 * 3; k++) {
        double level = 127.5 * ((double)b[k] + 1);
        assert_true(fabs(level - rint(level)) < 1e-4);
        assert_true(fabsf(a[k] - b[k]) < 1 / 255.0f + 1e-6f);
        differs |= a[k] != b[k];
    }
    assert_true(differs);
    ito_dataset_destroy(drawn);
    ito_dataset_destroy(rounded);
}

static void test_captions(void **state)
{
    (void)state;
    char text[ITO_SHAPES_CAPTION];
    ito_scene scene = {.n_figures = 2, .figures = {{1, 2, true, 0.5, 0.7, 0.25}, {0, 0, false, 0.4, 0.2, 0.15}}};
    assert_string_equal(ito_shapes_caption(&scene, text), "a small red circle above a large blue square");
    scene.figures[0].y = 0.2;
    scene.figures[0].x = 0.1;
    assert_string_equal(ito_shapes_caption(&scene, text), "a large blue square left of a small red circle");
    scene.n_figures = 1;
    assert_string_equal(ito_shapes_caption(&scene, text), "a large blue square");
}

/* A 3 x 3 blur and normal noise, as a good generative model errs. */
static void spoil(float *image, int side, double noise, uint64_t index)
{
    float copy[64 * 64 * 3], normal[64 * 64 * 3];
    size_t n = (size_t)side * (size_t)side * 3;
    memcpy(copy, image, n * sizeof *image);
    ito_rng_normal((ito_rng_key){.seed = 1, .stream = ITO_STREAM_USER, .sample = index}, 0, n, normal);
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            for (int k = 0; k < 3; k++) {
                float sum = 0, weights = 0;
                for (int dy = -1; dy <= 1; dy++)
                    for (int dx = -1; dx <= 1; dx++) {
                        if (y + dy < 0 || x + dx < 0 || y + dy >= side || x + dx >= side) continue;
                        float w = (dy || dx) ? 0.25f : 1.0f;
                        sum += w * copy[3 * ((y + dy) * side + x + dx) + k];
                        weights += w;
                    }
                int at = 3 * (y * side + x) + k;
                image[at] = sum / weights + (float)noise * normal[at];
            }
}

typedef struct score {
    int n, shape, colour, count, size, place, second;
    double confidence;
} score;

static score measure(scratch *s, int side, int n_figures, double noise, int n)
{
    float image[64 * 64 * 3];
    score r = {.n = n};
    for (int i = 0; i < n; i++) {
        ito_scene truth = ito_shapes_scene(77, 1, (uint64_t)i, n_figures, 1, 1), read;
        ito_shapes_render(&truth, side, side, image, NULL, NULL);
        if (noise > 0) spoil(image, side, noise, (uint64_t)i);
        assert_ok(s->ctx, ito_shapes_read(s->ctx, image, side, side, &read));
        const ito_figure *t = &truth.figures[0], *f = &read.figures[0];
        r.shape += f->shape == t->shape;
        r.colour += f->colour == t->colour;
        r.count += read.n_figures == truth.n_figures;
        r.size += f->is_large == t->is_large;
        r.place += hypot(f->x - t->x, f->y - t->y) < 0.5 / side;
        r.second += truth.n_figures == 1 || (read.n_figures == 2 && read.figures[1].shape == truth.figures[1].shape &&
                                             read.figures[1].colour == truth.figures[1].colour);
        r.confidence += read.confidence / n;
    }
    print_message("side %d, figures %d, noise %.2f: shape %.3f colour %.3f count %.3f size %.3f place %.3f second %.3f "
                  "confidence %.3f\n",
                  side, n_figures, noise, (double)r.shape / n, (double)r.colour / n, (double)r.count / n,
                  (double)r.size / n, (double)r.place / n, (double)r.second / n, r.confidence);
    return r;
}

static void test_reader_clean(void **state)
{
    scratch *s = *state;
    score r = measure(s, 32, 1, 0, 200);
    assert_true(r.shape >= 198 && r.colour >= 198 && r.count >= 198 && r.size >= 198 && r.place >= 198);
    r = measure(s, 16, 1, 0, 400);
    assert_true(r.shape >= 388 && r.colour >= 396 && r.count >= 396 && r.size >= 396);
    r = measure(s, 32, 2, 0, 100);
    assert_true(r.shape >= 99 && r.colour >= 99 && r.count >= 99 && r.second >= 95);
    r = measure(s, 16, 2, 0, 200);
    assert_true(r.shape >= 194 && r.colour >= 196);
    r = measure(s, 64, 0, 0, 30);
    assert_true(r.shape >= 29 && r.count >= 29);
}

static void test_reader_spoiled(void **state)
{
    scratch *s = *state;
    score r = measure(s, 32, 1, 0.08, 100);
    assert_true(r.shape >= 98 && r.colour >= 98);
    r = measure(s, 16, 1, 0.08, 200);
    assert_true(r.shape >= 194);
}

static void test_reader_nothing(void **state)
{
    scratch *s = *state;
    float image[16 * 16 * 3];
    ito_scene read;
    for (int i = 0; i < 768; i++) image[i] = -0.8f;
    assert_ok(s->ctx, ito_shapes_read(s->ctx, image, 16, 16, &read));
    assert_true(read.n_figures == 0 && read.confidence == 0);
    /* pure noise has little that any figure explains */
    ito_rng_normal((ito_rng_key){.seed = 3, .stream = ITO_STREAM_USER}, 0, 768, image);
    assert_ok(s->ctx, ito_shapes_read(s->ctx, image, 16, 16, &read));
    assert_true(read.confidence < 0.3);
    assert_fails(s->ctx, ITO_SHAPE, "at least 8 x 8", ito_shapes_read(s->ctx, image, 7, 16, &read));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pure_function),  cmocka_unit_test(test_ranges_and_balance),
        cmocka_unit_test(test_captions),       cmocka_unit_test(test_rounded),
        cmocka_unit_test(test_reader_clean),   cmocka_unit_test(test_reader_spoiled),
        cmocka_unit_test(test_reader_nothing),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
