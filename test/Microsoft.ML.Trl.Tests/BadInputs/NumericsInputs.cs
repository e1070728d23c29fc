using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Log-probabilities, KL, advantages and masked statistics of tensors that do not fit together.</summary>
internal static class NumericsInputs
{
    private static readonly double[] NoShare = [-0.1, 1, double.NaN];
    private static readonly double[] Outside = [-0.1, 1.1, double.NaN, double.PositiveInfinity];

    public static IEnumerable<BadInput> All() =>
    [
        .. OfLogits(), .. OfHidden(), .. Statistics(), .. Kl(), .. KlOfHidden(), .. Projections(), .. Advantage(), .. Means(),
        .. Deviations(),
    ];

    private static IEnumerable<BadInput> OfLogits() =>
    [
        Null("LogProbs.OfLogits", "logits", () => LogProbs.OfLogits(null!, Ids(2))),
        Null("LogProbs.OfLogits", "labels", () => LogProbs.OfLogits(ones(2, 5), null!)),
        Logits(() => LogProbs.OfLogits(Ids(2, 5), Ids(2)), "logits", "floating", "Int64"),
        Logits(() => LogProbs.OfLogits(ones(2, 5), ones(2)), "labels", "int64", "Float32"),
        Logits(() => LogProbs.OfLogits(ones(2, 5), ones(2, ScalarType.Int32)), "labels", "int64", "Int32"),
        Logits(() => LogProbs.OfLogits(ones(2, 5), Ids(3)), "labels", "[2]", "[3]"),
        Logits(() => LogProbs.OfLogits(ones(2, 5), Ids(2, 5)), "labels", "[2]", "[2, 5]"),
        Logits(() => LogProbs.OfLogits(tensor(1f), tensor(0L)), "logits", "[..., V]", "[]"),
        Logits(() => LogProbs.OfLogits(ones(2, 5), tensor(new long[] { 0, 5 })), "labels", "5", "0 to 4"),
        Logits(() => LogProbs.OfLogits(ones(2, 5), tensor(new long[] { -1, 0 })), "labels", "-1", "0 to 4"),
        Logits(() => LogProbs.OfLogits(ones(2, 0), Ids(2)), "labels", "none"),
        Logits(() => LogProbs.OfLogits(ones(2, 5), empty(2, ScalarType.Int64, device: META)), "labels", "meta", "cpu"),
        Logits(() => LogProbs.OfLogits(Disposed(ones(2, 5)), Ids(2)), "logits", "was disposed"),
        Logits(() => LogProbs.OfLogits(ones(2, 5), Disposed(Ids(2))), "labels", "was disposed"),
    ];

    private static IEnumerable<BadInput> OfHidden()
    {
        const string member = "LogProbs.OfHidden";
        return
        [
            Null(member, "hidden", () => LogProbs.OfHidden(null!, ones(5, 4), Ids(2))),
            Null(member, "head", () => LogProbs.OfHidden(ones(2, 4), null!, Ids(2))),
            Null(member, "labels", () => LogProbs.OfHidden(ones(2, 4), ones(5, 4), null!)),
            .. WrongHidden(member, (hidden, weight, labels) => LogProbs.OfHidden(hidden, weight, labels)),
            Of<ArgumentOutOfRangeException>(
                member, () => LogProbs.OfHidden(ones(2, 4), ones(5, 4), Ids(2), keepBytes: -1), ["keepBytes", "-1"]),
        ];
    }

    private static IEnumerable<BadInput> Statistics()
    {
        const string member = "LogProbs.WithStatistics";
        return
        [
            Null(member, "hidden", () => LogProbs.WithStatistics(null!, ones(5, 4), Ids(2))),
            .. WrongHidden(member, (hidden, weight, labels) => LogProbs.WithStatistics(hidden, weight.requires_grad_(), labels)),
            .. NoShare.Select(x => Of<ArgumentOutOfRangeException>(
                member, () => LogProbs.WithStatistics(ones(2, 4), ones(5, 4), Ids(2), x), [$"labelSmoothing ({Number(x)})", "below 1"],
                Number(x))),
        ];
    }

    private static IEnumerable<BadInput> WrongHidden(string member, Action<Tensor, Tensor, Tensor> call)
    {
        (string Name, Func<(Tensor, Tensor, Tensor)> Make, string[] Words)[] wrong =
        [
            ("hidden of three dimensions", () => (ones(1, 2, 4), ones(5, 4), Ids(2)), ["hidden", "[N, 4]", "[1, 2, 4]"]),
            ("hidden a scalar", () => (tensor(1f), ones(5, 4), Ids(2)), ["hidden", "[N, 4]", "[]"]),
            ("hidden of another width", () => (ones(2, 3), ones(5, 4), Ids(2)), ["hidden", "[N, 4]", "[2, 3]"]),
            ("hidden float64", () => (ones(2, 4, ScalarType.Float64), ones(5, 4), Ids(2)), ["hidden", "Float64", "Float32"]),
            ("hidden bfloat16", () => (ones(2, 4, ScalarType.BFloat16), ones(5, 4), Ids(2)), ["hidden", "BFloat16", "Float32"]),
            ("hidden disposed", () => (Disposed(ones(2, 4)), ones(5, 4), Ids(2)), ["hidden", "was disposed"]),
            ("hidden without values", () => (empty(2, 4, device: META), ones(5, 4), Ids(2)), ["meta", "cpu"]),
            ("weight of one dimension", () => (ones(2, 4), ones(4), Ids(2)), ["Weight", "[V, H]", "[4]"]),
            ("weight of no tokens", () => (ones(2, 4), ones(0, 4), Ids(2)), ["Weight", "[V, H]", "[0, 4]"]),
            ("weight disposed", () => (ones(2, 4), Disposed(ones(5, 4)), Ids(2)), ["Weight", "was disposed"]),
            (
                "weight computed", () => (ones(2, 4), ones(5, 4, requires_grad: true) * 2, Ids(2)),
                ["head", "parameters, or detached"]),
            ("too few labels", () => (ones(2, 4), ones(5, 4), Ids(1)), ["labels", "[2]", "[1]"]),
            ("labels of two dimensions", () => (ones(2, 4), ones(5, 4), Ids(2, 1)), ["labels", "[2]", "[2, 1]"]),
            ("labels float32", () => (ones(2, 4), ones(5, 4), ones(2)), ["labels", "int64", "Float32"]),
            ("labels int32", () => (ones(2, 4), ones(5, 4), ones(2, ScalarType.Int32)), ["labels", "int64", "Int32"]),
            ("a label too large", () => (ones(2, 4), ones(5, 4), tensor(new long[] { 0, 5 })), ["labels", "5", "0 to 4"]),
            ("a negative label", () => (ones(2, 4), ones(5, 4), tensor(new long[] { -100, 0 })), ["labels", "-100", "0 to 4"]),
        ];
        return wrong.Select(one => Of<ArgumentException>(
            member,
            () =>
            {
                (Tensor hidden, Tensor weight, Tensor labels) = one.Make();
                bool keeps = hidden.IsInvalid || weight.IsInvalid || !weight.is_leaf;
                if (keeps)
                    LogProbs.OfHidden(hidden, weight, labels);
                else
                    call(hidden, weight, labels);
            },
            one.Words, one.Name));
    }

    private static IEnumerable<BadInput> Kl()
    {
        (string Member, Func<Tensor, Tensor, Tensor> Estimate)[] estimators =
        [
            ("KlEstimators.Difference", KlEstimators.Difference), ("KlEstimators.Absolute", KlEstimators.Absolute),
            ("KlEstimators.Squared", KlEstimators.Squared), ("KlEstimators.LowVariance", KlEstimators.LowVariance),
            ("KlEstimators.Full", KlEstimators.Full),
        ];
        foreach ((string member, Func<Tensor, Tensor, Tensor> estimate) in estimators)
        {
            yield return Null(member, "logProbs", () => estimate(null!, ones(2)), $"{member} of null");
            yield return Null(member, "referenceLogProbs", () => estimate(ones(2), null!), $"{member} to null");
            (string Name, Func<(Tensor, Tensor)> Make, string[] Words)[] wrong =
            [
                ("shapes that cannot spread", () => (ones(2, 3), ones(2, 4)), ["logProbs [2, 3]", "referenceLogProbs [2, 4]", "one shape"]),
                ("shapes that would spread", () => (ones(2, 3), ones(1, 3)), ["logProbs [2, 3]", "referenceLogProbs [1, 3]", "one shape"]),
                ("one scalar", () => (ones(2, 3), tensor(1f)), ["logProbs [2, 3]", "referenceLogProbs []", "one shape"]),
                ("whole numbers", () => (Ids(2), Ids(2)), ["logProbs", "floating", "Int64"]),
                ("disposed", () => (ones(2), Disposed(ones(2))), ["referenceLogProbs", "was disposed"]),
            ];
            foreach ((string name, Func<(Tensor, Tensor)> make, string[] words) in wrong)
                yield return Of<ArgumentException>(
                    member,
                    () =>
                    {
                        (Tensor ours, Tensor theirs) = make();
                        estimate(ours, theirs);
                    },
                    words, name);
        }
        yield return Of<ArgumentException>(
            "KlEstimators.Full", () => KlEstimators.Full(tensor(1f), tensor(1f)), ["logProbs", "[..., V]", "[]"]);
    }

    private static IEnumerable<BadInput> KlOfHidden() =>
    [
        Null("KlEstimators.Full", "head", () => KlEstimators.Full(ones(2, 4), null!, ones(2, 4), ones(5, 4))),
        FullKl(() => KlEstimators.Full(ones(2, 4), ones(5, 4), ones(3, 4), ones(5, 4)), "referenceHidden", "[2, 4]", "[3, 4]"),
        FullKl(() => KlEstimators.Full(ones(2, 4), ones(5, 4), ones(2, 4), ones(6, 4)), "referenceHead", "[5, 4]", "[6, 4]"),
        FullKl(() => KlEstimators.Full(ones(2, 3), ones(5, 4), ones(2, 4), ones(5, 4)), "hidden", "[N, 4]", "[2, 3]"),
        FullKl(() => KlEstimators.Full(ones(2, 4), ones(5, 4), ones(2, 3), ones(5, 4)), "referenceHidden", "[N, 4]", "[2, 3]"),
        FullKl(() => KlEstimators.Full(ones(4), ones(5, 4), ones(2, 4), ones(5, 4)), "hidden", "[N, 4]", "[4]"),
        FullKl(() => KlEstimators.Full(ones(2, 4), ones(4), ones(2, 4), ones(5, 4)), "Weight", "[V, H]", "[4]"),
        FullKl(() => KlEstimators.Full(ones(2, 4), ones(0, 4), ones(2, 4), ones(0, 4)), "Weight", "[V, H]", "[0, 4]"),
        FullKl(() => KlEstimators.Full(Disposed(ones(2, 4)), ones(5, 4), ones(2, 4), ones(5, 4)), "hidden", "was disposed"),
    ];

    private static IEnumerable<BadInput> Projections()
    {
        const string made = "VocabularyProjection.#ctor", taken = "VocabularyProjection.FromTensor", used = "LogProbs.OfHidden";
        yield return Null(taken, "weight", () => VocabularyProjection.FromTensor(null!));
        foreach (double cap in new[] { 0, -1, double.NaN, double.PositiveInfinity })
            yield return Of<ArgumentOutOfRangeException>(
                made, () => _ = new VocabularyProjection(ones(5, 4), null, cap), ["SoftCap", "greater than 0"], Number(cap));
        foreach (double scale in new[] { 0, -1, double.NaN, double.PositiveInfinity })
            yield return Of<ArgumentOutOfRangeException>(
                made, () => _ = new VocabularyProjection(ones(5, 4), Scale: scale), ["Scale", "greater than 0"], "scale " + Number(scale));
        yield return Of<ArgumentException>(
            used, () => LogProbs.OfHidden(ones(2, 4), new VocabularyProjection(ones(5, 4), ones(4)), Ids(2)), ["Bias", "[5]", "[4]"],
            "a bias of other tokens");
        yield return Of<ArgumentException>(
            used, () => LogProbs.OfHidden(ones(2, 4), new VocabularyProjection(ones(5, 4), Ids(5)), Ids(2)), ["Bias", "floating", "Int64"],
            "a bias of whole numbers");
    }

    private static IEnumerable<BadInput> Advantage()
    {
        const string member = "Advantages.Estimate";
        return
        [
            Null(member, "rewards", () => Advantages.Estimate(null!, ones(2, 3), ones(2, 3), 1, 1)),
            Null(member, "values", () => Advantages.Estimate(ones(2, 3), null!, ones(2, 3), 1, 1)),
            Null(member, "mask", () => Advantages.Estimate(ones(2, 3), ones(2, 3), null!, 1, 1)),
            Of<ArgumentException>(
                member, () => Advantages.Estimate(ones(2, 3), ones(2, 4), ones(2, 3), 1, 1), ["values [2, 4]", "one shape"]),
            Of<ArgumentException>(member, () => Advantages.Estimate(ones(2, 3), ones(2, 3), ones(3), 1, 1), ["mask [3]", "one shape"]),
            Of<ArgumentException>(member, () => Advantages.Estimate(ones(3), ones(3), ones(3), 1, 1), ["rewards", "[B, T]", "[3]"]),
            Of<ArgumentException>(member, () => Advantages.Estimate(tensor(1f), tensor(1f), tensor(1f), 1, 1), ["rewards", "[B, T]", "[]"]),
            Of<ArgumentException>(
                member, () => Advantages.Estimate(Disposed(ones(2, 3)), ones(2, 3), ones(2, 3), 1, 1), ["rewards", "was disposed"]),
            .. Outside.Select(x => Of<ArgumentOutOfRangeException>(
                member, () => Advantages.Estimate(ones(2, 3), ones(2, 3), ones(2, 3), x, 1), [$"gamma ({Number(x)})", "between 0 and 1"],
                $"gamma {x}")),
            .. Outside.Select(x => Of<ArgumentOutOfRangeException>(
                member, () => Advantages.Estimate(ones(2, 3), ones(2, 3), ones(2, 3), 1, x), [$"lambda ({Number(x)})", "between 0 and 1"],
                $"lambda {x}")),
        ];
    }

    private static IEnumerable<BadInput> Means() =>
    [
        Null("Masked.Mean", "values", () => Masked.Mean(null!, ones(2))),
        Null("Masked.Mean", "mask", () => Masked.Mean(ones(2), null!)),
        Of<ArgumentException>("Masked.Mean", () => Masked.Mean(ones(2, 3), ones(3)), ["values [2, 3]", "mask [3]", "one shape"]),
        Of<ArgumentException>("Masked.Mean", () => Masked.Mean(ones(2, 3), ones(2, 4)), ["values [2, 3]", "mask [2, 4]", "one shape"]),
        Of<ArgumentException>("Masked.Mean", () => Masked.Mean(Ids(2), ones(2)), ["values", "floating", "Int64"]),
        Of<ArgumentException>("Masked.Mean", () => Masked.Mean(Disposed(ones(2)), ones(2)), ["values", "was disposed"]),
        Of<ArgumentException>("Masked.Mean", () => Masked.Mean(ones(2, 3), ones(2, 4), 1), ["mask [2, 4]", "one shape"]),
        Of<ArgumentOutOfRangeException>("Masked.Mean", () => Masked.Mean(ones(2, 3), ones(2, 3), 2), ["dimension (2)", "-2 to 1"]),
        Of<ArgumentOutOfRangeException>("Masked.Mean", () => Masked.Mean(ones(2, 3), ones(2, 3), -3), ["dimension (-3)", "-2 to 1"]),
        Of<ArgumentOutOfRangeException>(
            "Masked.Mean", () => Masked.Mean(tensor(1f), tensor(1f), 0), ["dimension (0)", "a scalar has none"]),
    ];

    private static IEnumerable<BadInput> Deviations() =>
    [
        Null("Masked.Variance", "values", () => Masked.Variance(null!, ones(2))),
        Null("Masked.Whiten", "mask", () => Masked.Whiten(ones(2), null!)),
        Of<ArgumentException>(
            "Masked.Variance", () => Masked.Variance(ones(2, 3), ones(1, 3)), ["values [2, 3]", "mask [1, 3]", "one shape"]),
        Of<ArgumentException>("Masked.Variance", () => Masked.Variance(ones(3), zeros(3)), ["0 true positions", "at least 2"]),
        Of<ArgumentException>("Masked.Variance", () => Masked.Variance(ones(1), ones(1)), ["1 true positions", "at least 2"]),
        Of<ArgumentException>("Masked.Variance", () => Masked.Variance(Ids(3), ones(3)), ["values", "floating", "Int64"]),
        Of<ArgumentException>("Masked.Whiten", () => Masked.Whiten(ones(2, 3), ones(2)), ["values [2, 3]", "mask [2]", "one shape"]),
        Of<ArgumentException>("Masked.Whiten", () => Masked.Whiten(ones(3), zeros(3)), ["0 true positions", "at least 2"]),
        Of<ArgumentException>("Masked.Whiten", () => Masked.Whiten(Disposed(ones(3)), ones(3)), ["values", "was disposed"]),
    ];

    private static Tensor Ids(params long[] shape) => ones(shape, ScalarType.Int64);

    private static BadInput Logits(Action act, params string[] words) =>
        Of<ArgumentException>("LogProbs.OfLogits", act, words, string.Join(", ", words));

    private static BadInput FullKl(Action act, params string[] words) =>
        Of<ArgumentException>("KlEstimators.Full", act, words, string.Join(", ", words));
}
