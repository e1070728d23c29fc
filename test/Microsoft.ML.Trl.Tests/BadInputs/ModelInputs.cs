using Microsoft.ML.Trl.Tests.Models;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Tensors that a network cannot read, in every way in.</summary>
internal static class ModelInputs
{
    private const string Hidden = "CausalLanguageModel.Hidden", HiddenAt = "CausalLanguageModel.HiddenAt",
    Logits = "CausalLanguageModel.Logits";

    public static IEnumerable<BadInput> All() =>
    [
        .. WrongIds(Hidden, ids => Network.Hidden(ids)),
        .. WrongIds("Decoder.Hidden", ids => Frozen(() => Network.Body.Hidden(ids))),
        .. WrongIds(HiddenAt, ids => Network.HiddenAt(ids, tensor(new long[] { 0 }))),
        .. WrongIds("Decoder.HiddenAt", ids => Frozen(() => Network.Body.HiddenAt(ids, tensor(new long[] { 0 })))),
        .. WrongIds("RewardModel.Score", ids => Scorer.Score(ids, [1])),
        .. Masks(),
        .. Positions(),
        .. Caches(),
        .. Lengths(),
        .. States(),
        .. Gone(),
    ];

    private static IEnumerable<BadInput> WrongIds(string member, Action<Tensor> read)
    {
        (string Name, Func<Tensor> Ids, string[] Words)[] wrong =
        [
            ("float32", () => ones(1, 3), ["int64", "Float32", "[1, 3]"]),
            ("float64", () => ones(1, 3, ScalarType.Float64), ["int64", "Float64"]),
            ("int32", () => ones(1, 3, ScalarType.Int32), ["int64", "Int32"]),
            ("bool", () => ones(1, 3, ScalarType.Bool), ["int64", "Bool"]),
            ("complex", () => ones(1, 3, ScalarType.ComplexFloat32), ["int64", "ComplexFloat32"]),
            ("a scalar", () => tensor(1L), ["[batch, length]", "of shape []"]),
            ("one dimension", () => Ids(3).view(3), ["[batch, length]", "of shape [3]"]),
            ("three dimensions", () => Ids(3).view(1, 1, 3), ["[batch, length]", "of shape [1, 1, 3]"]),
            ("no rows", () => Ids(3).narrow(0, 0, 0), ["[0, 3]", "at least one"]),
            ("no tokens", () => Ids(3).narrow(1, 0, 0), ["[1, 0]", "at least one"]),
            ("an id too large", () => tensor(new long[,] { { 1, 40 } }), ["40", "0 to 39"]),
            ("a negative id", () => tensor(new long[,] { { 1, -1 } }), ["-1", "0 to 39"]),
            ("a huge id", () => tensor(new long[,] { { long.MaxValue } }), ["9223372036854775807", "0 to 39"]),
            ("longer than the context", () => Ids(33), ["33 tokens", "context holds 32"]),
            ("no values", () => empty(1, 3, ScalarType.Int64, device: META), ["meta", "cpu"]),
            ("disposed", () => Disposed(Ids(3)), ["ids", "was disposed"]),
        ];
        return wrong.Select(one => Of<ArgumentException>(member, () => read(one.Ids()), one.Words, "ids: " + one.Name))
            .Append(Null(member, "ids", () => read(null!)));
    }

    private static IEnumerable<BadInput> Masks() =>
    [
        Mask(() => ones(1, 4, ScalarType.Bool), "[1, 3]", "[1, 4]"),
        Mask(() => ones(2, 3, ScalarType.Bool), "[1, 3]", "[2, 3]"),
        Mask(() => ones(3, ScalarType.Bool), "[1, 3]", "[3]"),
        Mask(() => tensor(true), "[1, 3]", "[]"),
        Mask(() => empty(1, 3, ScalarType.Bool, device: META), "mask", "meta", "cpu"),
        Mask(() => ones(1, 3, ScalarType.ComplexFloat32), "mask", "ComplexFloat32", "bool"),
        Mask(() => Disposed(ones(1, 3, ScalarType.Bool)), "mask", "was disposed"),
    ];

    private static IEnumerable<BadInput> Positions() =>
    [
        Null(HiddenAt, "positions", () => Network.HiddenAt(Ids(3), null!)),
        At(() => ones(1), "positions", "int64", "Float32"),
        At(() => ones(1, ScalarType.Int32), "positions", "int64", "Int32"),
        At(() => zeros(1, 1, ScalarType.Int64), "positions", "[N]", "[1, 1]"),
        At(() => tensor(0L), "positions", "[N]", "[]"),
        At(() => tensor(new long[] { 0, 3 }), "positions", "3", "0 to 2"),
        At(() => tensor(new long[] { -1 }), "positions", "-1", "0 to 2"),
        At(() => empty(1, ScalarType.Int64, device: META), "positions", "meta", "cpu"),
        At(() => Disposed(zeros(1, ScalarType.Int64)), "positions", "was disposed"),
    ];

    private static IEnumerable<BadInput> Caches() =>
    [
        Null("KeyValueCache.#ctor", "model", () => new KeyValueCache(null!, 1, 1)),
        Of<ArgumentOutOfRangeException>("KeyValueCache.#ctor", () => new KeyValueCache(Network.Body, 0, 8), ["rows", "'0'", "'1'"]),
        Of<ArgumentOutOfRangeException>("KeyValueCache.#ctor", () => new KeyValueCache(Network.Body, -1, 8), ["rows", "'-1'"]),
        Of<ArgumentOutOfRangeException>("KeyValueCache.#ctor", () => new KeyValueCache(Network.Body, 1, 0), ["capacity", "'0'"]),
        Of<ArgumentOutOfRangeException>(
            "KeyValueCache.#ctor", () => new KeyValueCache(Network.Body, int.MaxValue, int.MaxValue), ["2147483647", "GB", "memory"]),
        Of<ObjectDisposedException>(
            "KeyValueCache.#ctor", () => new KeyValueCache(DisposedNetwork().Body, 1, 1), ["gpt2 model", "was disposed"]),
        Cached(2, 8, "cache holds 2 sequences", "1 were given"),
        Cached(1, 2, "0 of 2 tokens", "no room for 3"),
        Of<InvalidOperationException>(
            Hidden, () => WithCache(1, 8, cache => Network.Hidden(Ids(3), null, cache)), ["gradients", "no_grad()"]),
        Of<ArgumentException>(
            Hidden, () => WithCache(1, 8, cache => Frozen(() => Network.Hidden(Ids(3), ones(1, 4, ScalarType.Bool), cache))),
            ["[1, 3]", "[1, 4]"]),
        Of<ArgumentException>(
            Hidden, () => Frozen(() =>
            {
                using CausalLanguageModel model = MadeModels.Create("phi3_longrope");
                using KeyValueCache cache = new(model.Body, 1, 40);
                model.Hidden(Ids(30), null, cache);
                model.Hidden(Ids(3), null, cache);
            }), ["from 30 to 33 tokens", "more than 32 tokens", "with a new cache"]),
        Of<ArgumentException>(
            Hidden, () => WithCache(1, 64, cache => Frozen(() => Network.Hidden(Ids(33), null, cache))), ["33 tokens", "context holds 32"]),
        Of<ObjectDisposedException>(
            Hidden, () => WithCache(1, 8, cache => { cache.Dispose(); Frozen(() => Network.Hidden(Ids(3), null, cache)); }),
            ["disposed object", "KeyValueCache"]),
        Other(ModelConfig.Gpt2(40, 16, 1, 2, 32), "another decoder", "layers"),
        Other(ModelConfig.Gpt2(40, 16, 2, 4, 32), "another decoder", "heads"),
        Other(ModelConfig.Gpt2(40, 32, 2, 2, 32), "another decoder", "size"),
    ];

    private static IEnumerable<BadInput> Lengths() =>
    [
        Null("RewardModel.Score", "lengths", () => Scorer.Score(Ids(3), null!)),
        Score([], "one length from 1 to 3", "1 rows", "[]"),
        Score([3, 3], "one length from 1 to 3", "[3, 3]"),
        Score([0], "one length from 1 to 3", "[0]"),
        Score([4], "one length from 1 to 3", "[4]"),
        Score([-2], "one length from 1 to 3", "[-2]"),
    ];

    private static IEnumerable<BadInput> States()
    {
        (string Name, Func<Tensor> States, string[] Words)[] wrong =
        [
            ("another width", () => ones(2, 15), ["[2, 15]", "16"]),
            ("no width", () => ones(2, 0), ["[2, 0]", "16"]),
            ("a scalar", () => tensor(1f), ["[]", "16"]),
            ("int64", () => ones(2, 16, ScalarType.Int64), ["floating", "Int64"]),
            ("bool", () => ones(2, 16, ScalarType.Bool), ["floating", "Bool"]),
            ("no values", () => empty(2, 16, device: META), ["meta", "cpu"]),
            ("disposed", () => Disposed(ones(2, 16)), ["hidden", "was disposed"]),
        ];
        return
        [
            .. wrong.Select(one => Of<ArgumentException>(Logits, () => Network.Logits(one.States()), one.Words, one.Name)),
            .. wrong.Select(one => Of<ArgumentException>("ValueHead.Values", () => Head.Values(one.States()), one.Words, one.Name)),
            Of<ArgumentException>(Logits, () => Network.Logits(ones(2, 16, ScalarType.Float64)), ["Float64", "Float32"]),
            Of<ArgumentException>(Logits, () => Network.Logits(ones(2, 16, ScalarType.BFloat16)), ["BFloat16", "Float32"]),
            Null(Logits, "hidden", () => Network.Logits(null!)),
            Null("ValueHead.Values", "hidden", () => Head.Values(null!)),
        ];
    }

    private static IEnumerable<BadInput> Gone() =>
    [
        Gone(Hidden, model => model.Hidden(Ids(3))),
        Gone(HiddenAt, model => model.HiddenAt(Ids(3), tensor(new long[] { 0 }))),
        Gone(Logits, model => model.Logits(ones(1, 16))),
        Gone("CausalLanguageModel.Copy", model => model.Copy()),
        Gone("CausalLanguageModel.HeadWeight", model => _ = model.HeadWeight),
        Gone("CausalLanguageModel.Type", model => _ = model.Type),
        Gone("DecoderModel.Device", model => _ = model.Device),
        Gone("DecoderModel.Weights", model => _ = model.Weights().Count()),
        Gone("DecoderModel.ParameterCount", model => _ = model.ParameterCount),
        Gone("RewardModel.FromPolicy", model => RewardModel.FromPolicy(model, 1)),
        Gone("ReferenceModelExtensions.CreateReferenceModel", model => model.CreateReferenceModel()),
        Gone("RewardModel.Score", _ => DisposedScorer().Score(Ids(3), [3])),
        Gone("RewardModel.Copy", _ => DisposedScorer().Copy()),
        Of<ObjectDisposedException>("ValueHead.Values", () => DisposedHead().Values(ones(1, 16)), ["disposed object", "ValueHead"]),
        Of<ObjectDisposedException>("ValueHead.Copy", () => DisposedHead().Copy(), ["disposed object", "ValueHead"]),
    ];

    private static Tensor Ids(int length) => ones(1, length, ScalarType.Int64);

    private static void Frozen(Action act)
    {
        using var frozen = no_grad();
        act();
    }

    private static void WithCache(int rows, int capacity, Action<KeyValueCache> act)
    {
        using KeyValueCache cache = new(Network.Body, rows, capacity);
        act(cache);
    }

    private static BadInput Mask(Func<Tensor> mask, params string[] words) =>
        Of<ArgumentException>(Hidden, () => Network.Hidden(Ids(3), mask()), words, "mask: " + string.Join(", ", words));

    private static BadInput At(Func<Tensor> positions, params string[] words) =>
        Of<ArgumentException>(HiddenAt, () => Network.HiddenAt(Ids(3), positions()), words, string.Join(", ", words));

    private static BadInput Cached(int rows, int capacity, params string[] words)
    {
        void read() => WithCache(rows, capacity, cache => Frozen(() => Network.Hidden(Ids(3), null, cache)));
        return Of<ArgumentException>(Hidden, read, words, string.Join(", ", words));
    }

    private static BadInput Other(ModelConfig config, params string[] words) => Of<ArgumentException>(
        Hidden,
        () =>
        {
            using CausalLanguageModel other = CausalLanguageModel.Create(config, 1);
            using KeyValueCache cache = new(other.Body, 1, 8);
            Frozen(() => Network.Hidden(Ids(3), null, cache));
        },
        words, string.Join(", ", words));

    private static BadInput Score(int[] lengths, params string[] words) =>
        Of<ArgumentException>("RewardModel.Score", () => Scorer.Score(Ids(3), lengths), words, string.Join(", ", words));

    private static BadInput Gone(string member, Action<CausalLanguageModel> use) =>
        Of<ObjectDisposedException>(member, () => use(DisposedNetwork()), ["gpt2 model", "was disposed"], "after the model was disposed");

    private static RewardModel DisposedScorer()
    {
        RewardModel model = RewardModel.Create(Config, 1);
        model.Dispose();
        return model;
    }
}
