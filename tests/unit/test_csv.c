/* Tables of numbers: separators, headers, quotes, labels; what is malformed is refused with line and column; as a data set the
 * columns are standardised, and offset and scale give the numbers back. */
#include "scratch.h"

#include <math.h>

#include <ito/data.h>

#include "base/base.h"
#include "format/csv.h"

static ito_status parse_with(ito_ctx *ctx, const char *text, ito__csv_options o, ito__csv *out)
{
    return ito__csv_parse(ctx, "t.csv", (const unsigned char *)text, strlen(text), &o, out);
}

static ito_status parse(ito_ctx *ctx, const char *text, ito__csv *out)
{
    return parse_with(ctx, text, (ito__csv_options){0}, out);
}

static void assert_values(const ito__csv *csv, int64_t n_rows, int n_columns, const double *values)
{
    assert_int_equal(csv->n_rows, n_rows);
    assert_int_equal(csv->n_columns, n_columns);
    for (int64_t i = 0; i < n_rows * n_columns; i++) assert_true(csv->values[i] == values[i]);
}

static void test_separators(void **state)
{
    ito_ctx *ctx = *state;
    const double values[] = {1, -2.5, 3e2, 0.125};
    const char *const texts[] = {"1,-2.5\n3e2,.125\n",
                                 "1;-2.5\r\n3e2;.125",
                                 "1\t-2.5\n3e2\t.125\n",
                                 "  1   -2.5  \n3e2 \t .125\n",
                                 "\357\273\2771 , -2.5\n\n# a remark, of 3 fields, or more\n 3e2, .125 \n  \n",
                                 "# x y\n1 -2.5\n3e2 0.125\n",
                                 "\"1\",\"-2.5\"\r\"300\" , .125\r"};
    for (int i = 0; i < ITO_COUNT(texts); i++) {
        ito__csv csv;
        assert_ok(ctx, parse(ctx, texts[i], &csv));
        assert_values(&csv, 2, 2, values);
        assert_null(csv.names);
        assert_null(csv.labels);
        ito__csv_clear(ctx, &csv);
    }
    ito__csv csv; /* one column */
    assert_ok(ctx, parse(ctx, "7\n8\n", &csv));
    assert_values(&csv, 2, 1, (const double[]){7, 8});
    ito__csv_clear(ctx, &csv);
}

static void test_header_and_labels(void **state)
{
    ito_ctx *ctx = *state;
    ito__csv csv;
    const char *text = "length,\"width, \"\"cm\"\"\",species\n1,2,setosa\n3,4,\"iris, blue\"\n5,6,setosa\n";
    const double values[] = {1, 2, 3, 4, 5, 6};
    const char *const ways[] = {"species", "3"};
    for (int i = 0; i < 2; i++) {
        assert_ok(ctx, parse_with(ctx, text, (ito__csv_options){.label = ways[i]}, &csv));
        assert_values(&csv, 3, 2, values);
        assert_string_equal(csv.names[0], "length");
        assert_string_equal(csv.names[1], "width, \"cm\"");
        assert_int_equal(csv.n_classes, 2);
        assert_string_equal(csv.class_names[0], "iris, blue");
        assert_true(csv.labels[0] == 1 && csv.labels[1] == 0 && csv.labels[2] == 1);
        ito__csv_clear(ctx, &csv);
    }
    /* numbers as labels, in the order of their values; the first column */
    assert_ok(ctx, parse_with(ctx, "10 1\n9 2\n10 3\n", (ito__csv_options){.label = "1"}, &csv));
    assert_values(&csv, 3, 1, (const double[]){1, 2, 3});
    assert_string_equal(csv.class_names[0], "9");
    assert_true(csv.labels[0] == 1 && csv.labels[1] == 0 && csv.labels[2] == 1);
    ito__csv_clear(ctx, &csv);
    /* a header of numbers must be told */
    assert_ok(ctx, parse_with(ctx, "2001,2002\n1,2\n", (ito__csv_options){.header = ITO__CSV_WITH}, &csv));
    assert_values(&csv, 1, 2, values);
    assert_string_equal(csv.names[1], "2002");
    ito__csv_clear(ctx, &csv);
}

static void test_refusals(void **state)
{
    ito_ctx *ctx = *state;
    static const struct {
        const char *text, *words;
    } cases[] = {{"", "t.csv: holds no rows"},
                 {"# only a remark\n\n", "holds no rows"},
                 {"x,y\n", "holds a header and no rows"},
                 {"1,2\n3\n", "line 2 has 1 field, the first row 2"},
                 {"1,2\n\n3,4,5\n", "line 3 has 3 fields, the first row 2"},
                 {"1,2\n3,x\n", "line 2, column 2: 'x' is not a finite number; a column of labels must be named"},
                 {"1,2\n3,\n", "line 2, column 2: '' is empty, expected a number"},
                 {"1,2\n3,nan\n", "line 2, column 2: 'nan' is not a finite number"},
                 {"1,2\n1e999,4\n", "line 2, column 1: '1e999' is not a finite number"},
                 {"1,2\n0x10,4\n", "column 1: '0x10'"},
                 {"1;2\n1,5;2\n", "line 2, column 1: '1,5' is not a finite number"},
                 {"1,2\n3,\"4\n", "line 2, column 2: a quote is opened and not closed"},
                 {"1,2\n\"3\"4,5\n", "line 2, column 1: text behind a closing quote"}};
    for (int i = 0; i < ITO_COUNT(cases); i++) {
        ito__csv csv;
        assert_fails(ctx, ITO_FORMAT, cases[i].words, parse(ctx, cases[i].text, &csv));
        assert_null(csv.values);
    }
    ito__csv csv;
    assert_fails(ctx, ITO_NOT_FOUND, "no column is called 'z'; expected a name of line 1 or 1 to 2",
                 parse_with(ctx, "x,y\n1,2\n", (ito__csv_options){.label = "z"}, &csv));
    assert_fails(ctx, ITO_FORMAT, "one column, of labels",
                 parse_with(ctx, "a\nb\n", (ito__csv_options){.label = "1"}, &csv));
    assert_fails(ctx, ITO_FORMAT, "line 2, column 2: the label is empty",
                 parse_with(ctx, "1,a\n2,\n", (ito__csv_options){.label = "2"}, &csv));
    char wide[400] = "1,";
    memset(wide + 2, '7', 300);
    assert_fails(ctx, ITO_FORMAT, "line 1, column 2: a field of more than 127 bytes", parse(ctx, wide, &csv));
    assert_fails(ctx, ITO_FORMAT, "line 1, column 3: a zero byte",
                 ito__csv_parse(ctx, "t.csv", (const unsigned char *)"1,2,\0", 5, NULL, &csv));
    char *many = calloc(1, 20000);
    for (int i = 0; i < 3000; i++) strcpy(many + 2 * (size_t)i, "1,");
    assert_fails(ctx, ITO_FORMAT, "line 1 has more than 1024 fields", parse(ctx, many, &csv));
    *many = 0;
    for (int i = 0; i <= 1000; i++) sprintf(many + strlen(many), "1,%d\n", i);
    assert_fails(ctx, ITO_FORMAT, "line 1001: more than 1000 different labels; is column 2 one of labels?",
                 parse_with(ctx, many, (ito__csv_options){.label = "2"}, &csv));
    free(many);
}

/* Columns with means 3 and 20 and population variances 8/3 and 200/3, or together 34.67. */
static void test_data_set(void **state)
{
    void *files;
    (void)state;
    assert_int_equal(scratch_setup(&files), 0);
    scratch *s = files;
    const char *text = "a,b,kind\n1,10,up\n3,20,down\n5,30,up\n";
    const double numbers[3][2] = {{1, 10}, {3, 20}, {5, 30}};
    scratch_put(scratch_path(s, "some.CSV"), text, strlen(text));
    for (int all = 0; all < 2; all++) {
        ito_dataset *data;
        const char *settings[] = {"label=kind", all ? "scaling=all" : "scaling=each", NULL};
        assert_ok(s->ctx, ito_data_open(s->ctx, s->path, settings, &data));
        const ito_dataset_info *info = ito_dataset_get_info(data);
        assert_true(info->n_samples == 3 && info->height == 1 && info->width == 1 && info->channels == 2);
        assert_string_equal(info->channel_names[1], "b");
        assert_true(info->n_classes == 2 && !strcmp(info->class_names[0], "down"));
        assert_true(fabs(info->offset[0] - 3) < 1e-12 && fabs(info->offset[1] - 20) < 1e-12);
        double together = sqrt(0.5 * (8 + 200) / 3.0);
        assert_true(fabs(info->scale[0] - 2 * (all ? together : sqrt(8 / 3.0))) < 1e-12);
        assert_true(fabs(info->scale[1] - 2 * (all ? together : sqrt(200 / 3.0))) < 1e-12);
        for (int i = 0; i < 3; i++) {
            float x[2];
            int32_t label;
            assert_ok(s->ctx, ito_dataset_get(data, s->ctx, i, (void *[]){x, &label}));
            assert_int_equal(label, i != 1);
            for (int k = 0; k < 2; k++) {
                assert_true((double)x[k] >= info->fields[0].min && (double)x[k] <= info->fields[0].max);
                assert_true(fabs(info->offset[k] + info->scale[k] * (double)x[k] - numbers[i][k]) < 1e-5);
            }
        }
        ito_dataset_destroy(data);
    }
    ito_dataset *data;
    scratch_put(scratch_path(s, "flat.tsv"), "1\t5\n1\t6\n", 8); /* a column that never changes */
    assert_ok(s->ctx, ito_data_open(s->ctx, s->path, NULL, &data));
    assert_true(ito_dataset_get_info(data)->scale[0] == 1);
    ito_dataset_destroy(data);
    scratch_put(scratch_path(s, "huge.csv"), "1e308,1\n-1e308,2\n", 17);
    assert_fails(s->ctx, ITO_NUMERIC, "column 1: numbers too large", ito_data_open(s->ctx, s->path, NULL, &data));
    scratch_put(scratch_path(s, "what.csv"), "1,2\n3,x\n", 8);
    assert_fails(s->ctx, ITO_FORMAT, "what.csv: line 2, column 2", ito_data_open(s->ctx, s->path, NULL, &data));
    scratch_teardown(&files);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_separators),
        cmocka_unit_test(test_header_and_labels),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_data_set),
    };
    return cmocka_run_group_tests(tests, ctx_setup, ctx_teardown);
}
