using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Rows of tokens that cannot be learnt from, and batches of them.</summary>
internal static class DatasetInputs
{
    private static readonly TokenExample Good = new([1, 2, 3], 1);

    public static IEnumerable<BadInput> All() => [.. Examples(), .. Parts(), .. Pairs(), .. Batches(), .. Sums()];

    private static IEnumerable<BadInput> Examples() =>
    [
        Null("TokenExample.#ctor", "Ids", () => new TokenExample(null!)),
        Null("TokenExample.Ids", "Ids", () => _ = Good with { Ids = null! }),
        Of<ArgumentOutOfRangeException>("TokenExample.#ctor", () => new TokenExample([1, 2], -1), ["PromptLength (-1)", "0 or greater"]),
    ];

    private static IEnumerable<BadInput> Parts() =>
    [
        Of<ArgumentOutOfRangeException>("TokenExample.Learns", () => Good.Learns(-1), ["position (-1)", "0 to 2"]),
        Of<ArgumentOutOfRangeException>("TokenExample.Learns", () => Good.Learns(3), ["position (3)", "0 to 2"]),
        Of<ArgumentException>(
            "TokenExample.Learns", () => (Good with { Learned = [true] }).Learns(2), ["Learned has 1 entries", "3 tokens"]),
        Of<ArgumentException>(
            "TokenExample.LearnedTokens", () => (Good with { Learned = [true] }).LearnedTokens(), ["Learned has 1 entries", "3 tokens"]),
        Of<ArgumentException>("TokenExample.Slice", () => (Good with { Learned = [] }).Slice(0, 2), ["Learned has 0 entries", "3 tokens"]),
        Of<ArgumentOutOfRangeException>("TokenExample.Slice", () => Good.Slice(-1, 1), ["start (-1)", "count (1)", "3 tokens"]),
        Of<ArgumentOutOfRangeException>("TokenExample.Slice", () => Good.Slice(0, 0), ["start (0)", "count (0)", "3 tokens"]),
        Of<ArgumentOutOfRangeException>("TokenExample.Slice", () => Good.Slice(2, 2), ["start (2)", "count (2)", "3 tokens"]),
        Of<ArgumentOutOfRangeException>("TokenExample.Slice", () => Good.Slice(1, int.MaxValue), ["start (1)", "3 tokens"]),
        Of<ArgumentOutOfRangeException>("TokenExample.Truncated", () => Good.Truncated(0), ["maxLength (0)", "1 or greater"]),
        Of<ArgumentOutOfRangeException>("TokenExample.Truncated", () => Good.Truncated(-2), ["maxLength (-2)", "1 or greater"]),
    ];

    private static IEnumerable<BadInput> Pairs() =>
    [
        Null("PreferenceExample.#ctor", "Prompt", () => new PreferenceExample(null!, [1], [2])),
        Null("PreferenceExample.#ctor", "Chosen", () => new PreferenceExample([], null!, [2])),
        Null("PreferenceExample.#ctor", "Rejected", () => new PreferenceExample([], [1], null!)),
        Of<ArgumentOutOfRangeException>(
            "PreferenceExample.#ctor", () => new PreferenceExample([], [1], [2], double.NaN), ["Margin (NaN)", "a finite number"]),
        Of<ArgumentOutOfRangeException>(
            "PreferenceExample.#ctor", () => new PreferenceExample([], [1], [2], 1 / 0.0), ["Margin (Infinity)", "a finite number"]),
    ];

    private static IEnumerable<BadInput> Batches() =>
    [
        Null("TokenBatch.Of", "rows", () => TokenBatch.Of(null!)),
        Null("TokenBatch.Create", "rows", () => TokenBatch.Create(null!, [])),
        Null("TokenBatch.Create", "firstLabels", () => TokenBatch.Create([[1]], null!)),
        Of<ArgumentException>("TokenBatch.Of", () => TokenBatch.Of([]), ["rows is empty", "at least one"]),
        Of<ArgumentException>("TokenBatch.Of", () => TokenBatch.Of([Good, null!]), ["Row 1 is null"]),
        Of<ArgumentException>(
            "TokenBatch.Of", () => TokenBatch.Of([Good with { Learned = [true, false] }]), ["Learned has 2 entries", "3 tokens"]),
        Of<ArgumentException>("TokenBatch.Create", () => TokenBatch.Create([], []), ["rows is empty", "at least one"]),
        Of<ArgumentException>("TokenBatch.Create", () => TokenBatch.Create([[1], null!], [0, 0]), ["Row 1 is null"]),
        Of<ArgumentException>("TokenBatch.Create", () => TokenBatch.Create([[1], []], [0, 0]), ["Row 1", "empty", "at least one token"]),
        Of<ArgumentException>("TokenBatch.Create", () => TokenBatch.Create([[1], [2]], [0]), ["firstLabels has 1 entries", "2 rows"]),
        Of<ArgumentException>("TokenBatch.Create", () => TokenBatch.Create([[1]], [0, 0]), ["firstLabels has 2 entries", "1 rows"]),
        Of<ArgumentException>("TokenBatch.Create", () => TokenBatch.Create([[1]], [-1]), ["Row 0", "first label (-1)", "0 or greater"]),
        Of<ArgumentException>("TokenBatch.Create", () => TokenBatch.Create([[1]], [0], META), ["device is meta", "cpu"]),
        Of<ArgumentException>(
            "TokenBatch.Of", () => TokenBatch.Of([Good], new Device(TorchSharp.DeviceType.CUDA, 99)), ["device is cuda:99", "cpu"]),
    ];

    private static IEnumerable<BadInput> Sums() =>
    [
        Null("TokenBatch.Select", "hidden", () => With(batch => batch.Select(null!))),
        Select(() => ones(3, 4), "[1, 3, H]", "[3, 4]"),
        Select(() => ones(1, 2, 4), "[1, 3, H]", "[1, 2, 4]"),
        Select(() => ones(2, 3, 4), "[1, 3, H]", "[2, 3, 4]"),
        Select(() => tensor(1f), "[1, 3, H]", "[]"),
        Select(() => empty(1, 3, 4, device: META), "meta", "cpu"),
        Null("TokenBatch.SumPerRow", "perLabel", () => With(batch => batch.SumPerRow(null!))),
        Sum(() => ones(3), "[2]", "[3]"),
        Sum(() => ones(2, 1), "[2]", "[2, 1]"),
        Sum(() => tensor(1f), "[2]", "[]"),
        Sum(() => empty(2, device: META), "meta", "cpu"),
        Of<ObjectDisposedException>(
            "TokenBatch.Select", () => With(batch => { batch.Dispose(); batch.Select(ones(1, 3, 4)); }), ["TokenBatch"]),
        Of<ObjectDisposedException>(
            "TokenBatch.SumPerRow", () => With(batch => { batch.Dispose(); batch.SumPerRow(ones(2)); }), ["TokenBatch"]),
    ];

    private static void With(Action<TokenBatch> act)
    {
        using TokenBatch batch = TokenBatch.Of([Good]);
        act(batch);
    }

    private static BadInput Select(Func<Tensor> hidden, params string[] words) => Of<ArgumentException>(
        "TokenBatch.Select", () => With(batch => batch.Select(hidden())), ["hidden", .. words], string.Join(", ", words));

    private static BadInput Sum(Func<Tensor> perLabel, params string[] words) => Of<ArgumentException>(
        "TokenBatch.SumPerRow", () => With(batch => batch.SumPerRow(perLabel())), ["perLabel", .. words], string.Join(", ", words));
}
