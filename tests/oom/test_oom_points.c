/* Point clouds, tables and their pictures, and curves, when memory runs out. */
#include "oom/oom.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include <ito/data.h>
#include <ito/panels.h>
#include <ito/plot.h>

#include "base/base.h"
#include "format/csv.h"

static ito_status read_table(ito_ctx *ctx, void *arg)
{
    (void)arg;
    static const char text[] = "x,y,kind\n1,2,a\n3,4,b\n5,6,a\n7,8,c\n9,10,d\n11,12,e\n13,14,f\n15,16,g\n17,18,h\n";
    ito__csv csv;
    ITO_TRY(ito__csv_parse(ctx, "t.csv", (const unsigned char *)text, sizeof text - 1,
                           &(ito__csv_options){.label = "kind"}, &csv));
    ito__csv_clear(ctx, &csv);
    return ITO_OK;
}

static ito_status open_points(ito_ctx *ctx, void *arg)
{
    float x[2];
    int32_t label;
    ito_dataset *data;
    ITO_TRY(ito_data_open(ctx, arg, NULL, &data));
    ito_status st = ito_dataset_get(data, ctx, 5, (void *[]){x, &label});
    ito_dataset_destroy(data);
    return st;
}

static ito_status draw(ito_ctx *ctx, void *arg)
{
    const double xy[] = {0, 0, 1, 1, 2, 0, 1, -1}, value[] = {1, 2, 3, 4};
    ito_heat heat = {.rows = 2, .columns = 2, .value = value, .high = {1, 1}};
    ito_marks marks[] = {{.name = "dots", .n = 4, .xy = xy},
                         {.kind = ITO_MARK_PATH, .n = 4, .xy = xy},
                         {.kind = ITO_MARK_ARROWS, .n = 2, .xy = xy}};
    ito_panel panel = {.title = "t", .n_marks = 3, .marks = marks, .heat = &heat};
    if (arg) return ito_panels_write_svg(ctx, arg, &panel, 1, NULL);
    ito_image image;
    ITO_TRY(ito_panels_render(ctx, &panel, 1, NULL, &image));
    ito_image_clear(ctx, &image);
    return ITO_OK;
}

static ito_status draw_curves(ito_ctx *ctx, void *arg)
{
    const double x[] = {1, 2, 3, 4}, y[] = {3, 1, NAN, 2};
    const ito_plot_series series[] = {{.name = "a", .n = 4, .x = x, .y = y},
                                      {.name = "b", .n = 4, .x = y, .y = x, .is_right = true}};
    return ito_plot_write(ctx, arg, series, 2, NULL);
}

static void test_table(void **state)
{
    (void)state;
    assert_true(oom_check(read_table, NULL) > 4);
}

static void test_points(void **state)
{
    (void)state;
    oom_check(open_points, "moons");
    oom_check(open_points, "mixture");
}

static void test_panels(void **state)
{
    (void)state;
    char path[] = "/tmp/ito_oom_points_XXXXXX";
    oom_check(draw, NULL);
    int file = mkstemp(path);
    assert_true(file >= 0);
    oom_check(draw, path);
    remove(path);
}

static void test_curves(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        char path[] = "/tmp/ito_oom_curves_XXXXXX.png";
        if (k) memcpy(path + sizeof path - 4, "svg", 3);
        int file = mkstemps(path, 4);
        assert_true(file >= 0);
        close(file);
        assert_true(oom_check(draw_curves, path) > 2);
        remove(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_panels),
        cmocka_unit_test(test_curves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
