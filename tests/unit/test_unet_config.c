/* UNet2DModel's config.json: defaults, what null means, round trips, and errors that name the field and what is known. */
#include "testing.h"

#include <string.h>

#include "arch/unet2d_config.h"

static ito_status parse(ito_ctx *ctx, const char *text, ito__unet2d_config *out)
{
    json_t *object;
    assert_int_equal(ito__json_parse(ctx, "config.json", text, strlen(text), &object), ITO_OK);
    ito_status st = ito__unet2d_config_parse(ctx, "config.json", object, out);
    json_decref(object);
    return st;
}

/* The config of the ports of DDPM's CIFAR-10 model. */
static const char *const cifar10 =
    "{\"_class_name\": \"UNet2DModel\", \"_diffusers_version\": \"0.0.4\", \"act_fn\": \"silu\","
    " \"attention_head_dim\": null, \"block_out_channels\": [128, 256, 256, 256], \"center_input_sample\": false,"
    " \"down_block_types\": [\"DownBlock2D\", \"AttnDownBlock2D\", \"DownBlock2D\", \"DownBlock2D\"],"
    " \"downsample_padding\": 0, \"flip_sin_to_cos\": false, \"freq_shift\": 1, \"in_channels\": 3,"
    " \"layers_per_block\": 2, \"mid_block_scale_factor\": 1, \"norm_eps\": 1e-06, \"norm_num_groups\": 32,"
    " \"out_channels\": 3, \"sample_size\": 32, \"time_embedding_type\": \"positional\","
    " \"up_block_types\": [\"UpBlock2D\", \"UpBlock2D\", \"AttnUpBlock2D\", \"UpBlock2D\"]}";

static void defaults_are_those_of_diffusers(void **state)
{
    ito__unet2d_config c;
    assert_int_equal(parse(*state, "{}", &c), ITO_OK);
    assert_int_equal(c.sample_size[0], 0);
    assert_int_equal(c.block_out_channels.n, 4);
    assert_int_equal(c.block_out_channels.at[3], 896);
    assert_int_equal(c.down_block_types.at[0], ITO__UNET2D_PLAIN);
    assert_int_equal(c.up_block_types.at[0], ITO__UNET2D_ATTN);
    assert_int_equal(c.attention_head_dim, 8);
    assert_int_equal(c.norm_num_groups, 32);
    assert_int_equal(c.layers_per_block, 2);
    assert_true(c.flip_sin_to_cos && c.add_attention && c.mid_block_type == ITO__UNET2D_MID);
    assert_false(ito__unet2d_has_class(&c));
    assert_int_equal(ito__unet2d_time_width(&c), 896);
}

static void a_published_config_is_read(void **state)
{
    ito__unet2d_config c;
    assert_int_equal(parse(*state, cifar10, &c), ITO_OK);
    assert_int_equal(c.attention_head_dim, 0);
    assert_int_equal(c.sample_size[0], 32);
    assert_int_equal(c.sample_size[1], 32);
    assert_int_equal(c.freq_shift, 1);
    assert_int_equal(c.downsample_padding, 0);
    assert_false(c.flip_sin_to_cos);
    assert_true(c.norm_eps == 1e-6);
    assert_int_equal(c.down_block_types.at[1], ITO__UNET2D_ATTN);
    assert_int_equal(c.up_block_types.at[2], ITO__UNET2D_ATTN);
    assert_int_equal(ito__unet2d_time_width(&c), 512);
}

static void null_and_old_names_are_understood(void **state)
{
    ito__unet2d_config c;
    const char *text =
        "{\"mid_block_type\": null, \"sample_size\": [6, 10], \"class_embed_type\": null,"
        " \"num_class_embeds\": 11, \"block_out_channels\": [32], \"norm_num_groups\": 8.0,"
        " \"down_block_types\": [\"UNetResDownBlock2D\"], \"up_block_types\": [\"UNetResAttnUpBlock2D\"]}";
    assert_int_equal(parse(*state, text, &c), ITO_OK);
    assert_int_equal(c.mid_block_type, ITO__UNET2D_NO_MID);
    assert_int_equal(c.sample_size[0], 6);
    assert_int_equal(c.sample_size[1], 10);
    assert_int_equal(c.norm_num_groups, 8);
    assert_int_equal(c.down_block_types.at[0], ITO__UNET2D_PLAIN);
    assert_int_equal(c.up_block_types.at[0], ITO__UNET2D_ATTN);
    assert_true(ito__unet2d_has_class(&c));
}

/* Written and read again nothing changes, and every option of a config that differs from the default is kept. */
static void writing_is_the_inverse_of_reading(void **state)
{
    const char *const texts[] = {
        cifar10,
        "{}",
        "{\"sample_size\": [6, 10], \"class_embed_type\": \"identity\", \"time_embedding_type\": \"fourier\","
        " \"mid_block_type\": null, \"act_fn\": \"swish\", \"dropout\": 0.1, \"resnet_time_scale_shift\": "
        "\"scale_shift\", \"upsample_type\": \"resnet\", \"num_train_timesteps\": 1000, \"add_attention\": false}",
    };
    for (int i = 0; i < ITO_COUNT(texts); i++) {
        ito__unet2d_config c, again;
        json_t *first, *second, *given = json_loads(texts[i], 0, NULL), *value;
        const char *name;
        assert_int_equal(parse(*state, texts[i], &c), ITO_OK);
        assert_int_equal(ito__unet2d_config_write(*state, &c, &first), ITO_OK);
        assert_int_equal(ito__unet2d_config_parse(*state, "again", first, &again), ITO_OK);
        assert_int_equal(ito__unet2d_config_write(*state, &again, &second), ITO_OK);
        assert_true(json_equal(first, second));
        json_object_foreach(given, name, value)
        {
            const json_t *kept = json_object_get(first, name);
            if (name[0] == '_' && !kept) continue;
            if (json_is_number(value))
                assert_true(json_number_value(kept) == json_number_value(value));
            else
                assert_true(json_equal(kept, value));
        }
        json_decref(first);
        json_decref(second);
        json_decref(given);
    }
}

static void errors_name_the_field_and_what_is_known(void **state)
{
    static const struct {
        const char *text, *says[2];
    } cases[] = {
        {"[]", {"expected an object", ""}},
        {"{\"_class_name\": \"UNet2DConditionModel\"}", {"_class_name", "UNet2DModel"}},
        {"{\"layers_per_blok\": 2}", {"layers_per_blok", "did you mean 'layers_per_block'"}},
        {"{\"only_cross_attention\": false}", {"no field 'only_cross_attention'", ""}},
        {"{\"down_block_types\": [\"SkipDownBlock2D\"]}", {"down_block_types", "ResnetDownsampleBlock2D"}},
        {"{\"up_block_types\": [\"AttnDownBlock2D\"]}", {"up_block_types", "AttnUpBlock2D"}},
        {"{\"down_block_types\": \"DownBlock2D\"}", {"down_block_types", "a list"}},
        {"{\"block_out_channels\": []}", {"block_out_channels", "a list of 1 to 16"}},
        {"{\"block_out_channels\": [32, -4]}", {"block_out_channels", "-4"}},
        {"{\"block_out_channels\": [32, 64]}", {"block_out_channels 2", "down_block_types has 4"}},
        {"{\"block_out_channels\": [32, 64, 96, 100]}", {"norm_num_groups is 32", "100 channels"}},
        {"{\"attn_norm_num_groups\": 5}", {"attn_norm_num_groups is 5", "896"}},
        {"{\"attention_head_dim\": 500}", {"attention_head_dim is 500", "448"}},
        {"{\"attention_head_dim\": \"8\"}", {"attention_head_dim", "or null"}},
        {"{\"mid_block_type\": \"UNetMidBlock2DCrossAttn\"}", {"mid_block_type", "UNetMidBlock2D"}},
        {"{\"act_fn\": \"elu\"}", {"act_fn", "silu, swish, mish, gelu, relu"}},
        {"{\"resnet_time_scale_shift\": \"spatial\"}", {"resnet_time_scale_shift", "scale_shift"}},
        {"{\"time_embedding_type\": \"learned\"}", {"num_train_timesteps", "learned"}},
        {"{\"freq_shift\": 112}", {"freq_shift is 112", "224"}},
        {"{\"downsample_padding\": 2}", {"downsample_padding", "0 to 1"}},
        {"{\"dropout\": 1.0}", {"dropout", "0.999"}},
        {"{\"in_channels\": 2.5}", {"in_channels", "2.5"}},
        {"{\"sample_size\": [1, 2, 3]}", {"sample_size", "[height, width]"}},
        {"{\"center_input_sample\": 1}", {"center_input_sample", "true or false"}},
    };
    for (int i = 0; i < ITO_COUNT(cases); i++) {
        ito__unet2d_config c;
        assert_int_equal(parse(*state, cases[i].text, &c), ITO_FORMAT);
        for (int k = 0; k < 2; k++)
            if (!strstr(ito_last_error(*state), cases[i].says[k]))
                fail_msg("%s\ngave \"%s\"\nwithout \"%s\"", cases[i].text, ito_last_error(*state), cases[i].says[k]);
    }
}

static void images_must_fit_the_strides(void **state)
{
    ito__unet2d_config c;
    assert_int_equal(parse(*state, cifar10, &c), ITO_OK);
    assert_int_equal(ito__unet2d_config_check_size(*state, &c, 32, 8), ITO_OK);
    assert_int_equal(ito__unet2d_config_check_size(*state, &c, 28, 32), ITO_SHAPE);
    assert_non_null(strstr(ito_last_error(*state), "multiples of 8"));
    assert_int_equal(ito__unet2d_config_check_size(*state, &c, 0, 32), ITO_SHAPE);
}

/* A struct that a program filled by hand meets the same limits. */
static void hand_made_configs_are_checked(void **state)
{
    ito__unet2d_config c;
    ito__unet2d_config_default(&c);
    assert_int_equal(ito__unet2d_config_check(*state, "here", &c), ITO_OK);
    c.in_channels = 0;
    assert_int_equal(ito__unet2d_config_check(*state, "here", &c), ITO_FORMAT);
    assert_non_null(strstr(ito_last_error(*state), "in_channels is 0"));
    ito__unet2d_config_default(&c);
    c.block_out_channels.n = 0;
    assert_int_equal(ito__unet2d_config_check(*state, "here", &c), ITO_FORMAT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_are_those_of_diffusers, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(a_published_config_is_read, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(null_and_old_names_are_understood, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(writing_is_the_inverse_of_reading, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(errors_name_the_field_and_what_is_known, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(images_must_fit_the_strides, ctx_setup, ctx_teardown),
        cmocka_unit_test_setup_teardown(hand_made_configs_are_checked, ctx_setup, ctx_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
