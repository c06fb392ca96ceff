/* Grids: sizes, where the pixels land, labels drawn and cut, alpha, impossible sizes. */
#include "scratch.h"

#include <ito/grid.h>

#include "base/base.h"
#include "plot/font.h"

static const unsigned char *pixel(const ito_image *image, int x, int y)
{
    return (const unsigned char *)image->pixels + 3 * ((ptrdiff_t)y * image->width + x);
}

static int count_ink(const ito_image *image, int x0, int x1, int y0, int y1)
{
    int n = 0;
    for (int y = y0; y < y1; y++)
        for (int x = x0; x < x1; x++) n += pixel(image, x, y)[0] == 40;
    return n;
}

static void test_pixels_land(void **state)
{
    scratch *s = *state;
    /* three grey images of 2 x 1 */
    const float images[6] = {-1, 1, 0, 0, 0.5f, -0.5f};
    ito_image grid;
    assert_ok(s->ctx,
              ito_grid_render(s->ctx, images, 3, 1, 2, 1, &(ito_grid_options){.columns = 2, .scale = 3}, &grid));
    /* margin 8, cells of 6 x 3, gap 4 */
    assert_true(grid.width == 8 + 6 + 4 + 6 + 8 && grid.height == 8 + 3 + 4 + 3 + 8 && grid.channels == 3);
    assert_int_equal(pixel(&grid, 8, 8)[0], 0);
    assert_int_equal(pixel(&grid, 10, 10)[2], 0);
    assert_int_equal(pixel(&grid, 11, 8)[1], 255);
    assert_int_equal(pixel(&grid, 14, 8)[1], 250); /* the gap */
    assert_int_equal(pixel(&grid, 18, 8)[1], 128);
    assert_int_equal(pixel(&grid, 8, 15)[1], 191);
    assert_int_equal(pixel(&grid, 18, 15)[1], 250); /* no fourth image */
    ito_image_clear(s->ctx, &grid);
}

static void test_labels(void **state)
{
    scratch *s = *state;
    float images[2 * 64 * 3] = {0};
    const char *labels[] = {"I", "a label much wider than its cell"}, *rows[] = {"row"};
    ito_grid_options o = {.columns = 2, .scale = 4, .labels = labels, .row_labels = rows, .title = "T"};
    ito_image grid;
    assert_ok(s->ctx, ito_grid_render(s->ctx, images, 2, 8, 8, 3, &o, &grid));
    int left = 8 + 3 * ITO_FONT_STEP + 4, top = 8 + 10 + 4;
    int ink_of_I = 0, ink_of_T = 0;
    for (int y = 0; y < ITO_FONT_HEIGHT; y++)
        for (int x = 0; x < ITO_FONT_WIDTH; x++) {
            ink_of_I += ito__font_pixel('I', x, y);
            ink_of_T += ito__font_pixel('T', x, y);
        }
    assert_int_equal(count_ink(&grid, left, left + 32, top, top + 10), ink_of_I);
    assert_int_equal(count_ink(&grid, left, grid.width, 0, top - 4), ink_of_T);
    assert_true(count_ink(&grid, left + 36, grid.width, top, top + 10) > ink_of_I); /* cut, not gone */
    assert_true(count_ink(&grid, 0, left, top + 10, grid.height) > 10);
    ito_image_clear(s->ctx, &grid);
}

static void test_font_is_whole(void **state)
{
    (void)state;
    for (int a = ' '; a <= '~'; a++) {
        uint64_t shape[2] = {0};
        for (int c = a; c <= '~'; c++) {
            uint64_t bits = 0;
            for (int i = 0; i < ITO_FONT_WIDTH * ITO_FONT_HEIGHT; i++)
                bits = bits << 1 | ito__font_pixel((char)c, i % ITO_FONT_WIDTH, i / ITO_FONT_WIDTH);
            shape[c != a] = bits;
            if (c != a) assert_true(shape[0] != shape[1]); /* no two letters look alike */
        }
        assert_true(a == ' ' || shape[0] != 0);
    }
    assert_int_equal(ito__font_pixel('\n', 2, 6), ito__font_pixel('?', 2, 6));
}

static void test_alpha_and_limits(void **state)
{
    scratch *s = *state;
    const float clear[4] = {1, 1, 1, -1}, opaque[4] = {1, 1, 1, 1};
    ito_image grid;
    assert_ok(s->ctx, ito_grid_render(s->ctx, clear, 1, 1, 1, 4, &(ito_grid_options){.scale = 8}, &grid));
    assert_int_equal(pixel(&grid, 8, 8)[0], 153); /* the two shades of the board */
    assert_int_equal(pixel(&grid, 12, 8)[0], 204);
    ito_image_clear(s->ctx, &grid);
    assert_ok(s->ctx, ito_grid_render(s->ctx, opaque, 1, 1, 1, 4, NULL, &grid));
    assert_int_equal(pixel(&grid, 8, 8)[0], 255);
    ito_image_clear(s->ctx, &grid);
    assert_fails(s->ctx, ITO_SHAPE, "1 to 4 channels", ito_grid_render(s->ctx, opaque, 1, 1, 1, 5, NULL, &grid));
    assert_fails(s->ctx, ITO_SHAPE, "no zero", ito_grid_render(s->ctx, opaque, 0, 1, 1, 3, NULL, &grid));
    ito_grid_options o = {.scale = 1000};
    float wide[40 * 3] = {0};
    assert_fails(s->ctx, ITO_SHAPE, "use a smaller scale", ito_grid_render(s->ctx, wide, 1, 1, 40, 3, &o, &grid));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pixels_land),
        cmocka_unit_test(test_labels),
        cmocka_unit_test(test_font_is_whole),
        cmocka_unit_test(test_alpha_and_limits),
    };
    return cmocka_run_group_tests(tests, scratch_setup, scratch_teardown);
}
