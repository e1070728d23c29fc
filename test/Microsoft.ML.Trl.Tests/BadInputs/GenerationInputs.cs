using Microsoft.ML.Trl.Generation;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Everything that samples: its options, and token ids and texts to continue.</summary>
internal static class GenerationInputs
{
    private const string Prompts = "prompts";

    private static readonly int[] Long = [.. Enumerable.Repeat(1, 32)];

    public static IEnumerable<BadInput> All() =>
        [.. Options(), .. TransformersOptions(), .. Lengths(), .. Stops(), .. Tokens(), .. Responses(), .. BestOfN(), .. BestOfNScores()];

    private static IEnumerable<BadInput> Options()
    {
        double[] broken = [double.NaN, double.PositiveInfinity, double.NegativeInfinity];
        return
        [
            .. new[] { 0, -1, int.MinValue }.Select(x => Option(new() { MaxNewTokens = x }, "MaxNewTokens", x, "at least 1")),
            .. new[] { -1, 65 }.Select(x => Option(new() { MinNewTokens = x }, "MinNewTokens", x, "from 0 to MaxNewTokens (64)")),
            .. broken.Append(0).Append(-1).Select(x => Option(new() { Temperature = x }, "Temperature", x, "set DoSample to false")),
            .. broken.Append(0).Append(-1).Select(
                x => Option(new() { RepetitionPenalty = x }, "RepetitionPenalty", x, "greater than 0, 1 for none")),
            .. broken.Append(0).Append(1.01).Select(x => Option(new() { TopP = x }, "TopP", x, "greater than 0 and at most 1")),
            .. broken.Append(-0.01).Append(1.01).Select(x => Option(new() { MinP = x }, "MinP", x, "from 0 to 1")),
            Option(new() { TopK = -1 }, "TopK", -1, "0 for all tokens"),
            Of<ArgumentException>(
                "GenerationOptions.Validated", () => new GenerationOptions { StopStrings = null! }.Validated(),
                ["StopStrings is null", "a list"]),
            Of<ArgumentException>(
                "GenerationOptions.Validated", () => new GenerationOptions { StopStrings = [""] }.Validated(),
                ["StopStrings[0] is an empty text"]),
            Of<ArgumentException>(
                "GenerationOptions.Validated", () => new GenerationOptions { StopStrings = ["a", null!] }.Validated(),
                ["StopStrings[1] is null", "at least one character"]),
        ];
    }

    private static IEnumerable<BadInput> TransformersOptions()
    {
        double[] broken = [double.NaN, double.PositiveInfinity, double.NegativeInfinity];
        return
        [
            .. broken.Append(0).Append(1.01).Select(x => Option(new() { TypicalP = x }, "TypicalP", x, "greater than 0 and at most 1")),
            .. broken.Append(-1).Append(1).Select(x => Option(new() { EpsilonCutoff = x }, "EpsilonCutoff", x, "at least 0 and below 1")),
            .. broken.Append(-1).Append(1).Select(x => Option(new() { EtaCutoff = x }, "EtaCutoff", x, "at least 0 and below 1")),
            .. broken.Select(x => Option(new() { LengthPenalty = x }, "LengthPenalty", x, "a finite number, 0 for none")),
            .. new[] { 0, -1 }.Select(x => Option(new() { NumBeams = x }, "NumBeams", x, "at least 1, which is no search")),
            .. new[] { 0, -1 }.Select(x => Option(new() { NumReturnSequences = x }, "NumReturnSequences", x, "at least 1")),
            Option(new() { NumReturnSequences = 3, NumBeams = 2 }, "NumReturnSequences", 3, "at most NumBeams (2)"),
            Option(
                new() { NumReturnSequences = 2, DoSample = false }, "NumReturnSequences", 2,
                "Set DoSample to true, or NumBeams to as many"),
            Option(new() { NoRepeatNgramSize = -1 }, "NoRepeatNgramSize", -1, "at least 1, or 0 for none"),
            Bad(new() { EarlyStopping = (EarlyStopping)9 }, "EarlyStopping (9)", "False, True, Never"),
            Bad(new() { BadWordsIds = null! }, "BadWordsIds is null", "a list, an empty one for none"),
            Bad(new() { BadWordsIds = [[1], []] }, "BadWordsIds[1] is empty", "at least one token"),
            Bad(new() { BadWordsIds = [null!] }, "BadWordsIds[0] is null", "at least one token"),
            Bad(new() { SuppressTokens = null! }, "SuppressTokens is null", "a list, an empty one for none"),
            Bad(new() { BeginSuppressTokens = null! }, "BeginSuppressTokens is null", "a list, an empty one for none"),
            Bad(new() { Constraint = Letters, StopStrings = ["."] }, "StopStrings together with Constraint", "leave one of the two out"),
            Bad(new() { Constraint = Letters, MinNewTokens = 2 }, "MinNewTokens together with Constraint"),
            Bad(new() { Constraint = Letters, ForcedBosTokenId = 2 }, "ForcedBosTokenId together with Constraint"),
            Bad(new() { Constraint = Letters, ForcedEosTokenId = 2 }, "ForcedEosTokenId together with Constraint"),
        ];
    }

    private static TextConstraint Letters { get; } = TextConstraint.Regex("[a-z]*");

    private static BadInput Bad(GenerationOptions options, params string[] words) =>
        Of<ArgumentException>("GenerationOptions.Validated", () => options.Validated(), words, string.Join(", ", words));

    private static BadInput Option(GenerationOptions options, string name, double value, string allowed)
    {
        string given = FormattableString.Invariant($"{name} ({value})");
        return Of<ArgumentException>("GenerationOptions.Validated", () => options.Validated(), [given, allowed], given);
    }

    private static IEnumerable<BadInput> Lengths() =>
    [
        Of<ArgumentOutOfRangeException>("LengthSampler.#ctor", () => new LengthSampler(0, 5), ["minValue (0)", "1 or greater"]),
        Of<ArgumentOutOfRangeException>("LengthSampler.#ctor", () => new LengthSampler(-7, 5), ["minValue (-7)", "1 or greater"]),
        Of<ArgumentException>("LengthSampler.#ctor", () => new LengthSampler(5, 5), ["maxValue (5)", "greater than minValue (5)"]),
        Of<ArgumentException>("LengthSampler.#ctor", () => new LengthSampler(5, 4), ["maxValue (4)", "greater than minValue (5)"]),
        Of<ArgumentException>("LengthSampler.#ctor", () => new LengthSampler(1, int.MinValue), ["maxValue (-2147483648)", "minValue (1)"]),
    ];

    private static IEnumerable<BadInput> Stops() =>
    [
        Of<ArgumentException>("StopStrings.#ctor", () => new StopStrings(null!, _ => ""), ["StopStrings is null", "a list of texts"]),
        Of<ArgumentException>("StopStrings.#ctor", () => new StopStrings([""], _ => ""), ["StopStrings[0] is an empty text"]),
        Of<ArgumentException>("StopStrings.#ctor", () => new StopStrings([".", null!], _ => ""), ["StopStrings[1] is null"]),
        Null("StopStrings.#ctor", "decode", () => new StopStrings(["."], null!)),
        Null("StopStrings.IsReached", "tokens", () => new StopStrings(["."], _ => "").IsReached(null!)),
        Of<InvalidOperationException>(
            "StopStrings.IsReached", () => new StopStrings(["."], _ => null!).IsReached([1]), ["decode", "null", "a text"]),
    ];

    private static IEnumerable<BadInput> Tokens() =>
    [
        Null("TokenGenerator.#ctor", "model", () => new TokenGenerator(null!)),
        Null("TokenGenerator.Generate", Prompts, () => Generate(null!, new())),
        Null("TokenGenerator.Generate", "options", () => Generate([[1]], null!)),
        Of<ArgumentException>(
            "TokenGenerator.Generate",
            () =>
            {
                using CausalLanguageModel model = MadeModels.Create("phi3_longrope");
                new TokenGenerator(model).Generate([[1, 2, 3]], new() { MaxNewTokens = 31 });
            },
            ["prompt has 3 tokens", "lead beyond 32", "set MaxNewTokens to 30 or less"]),
        Tokens(() => Generate([[1], []], new()), "Prompt 1 is empty", "at least one token"),
        Tokens(() => Generate([[1], null!], new()), "Prompt 1 is null", "at least one token"),
        Tokens(() => Generate([[1, 40]], new()), "Prompt 0 holds the token 40", "0 to 39"),
        Tokens(() => Generate([[1], [-1]], new()), "Prompt 1 holds the token -1", "0 to 39"),
        Tokens(() => Generate([[int.MaxValue]], new()), "Prompt 0 holds the token 2147483647", "0 to 39"),
        Tokens(() => Generate([Long], new()), "Prompt 0 has 32 tokens", "context holds 32", "at most 31"),
        Tokens(() => Generate([[1]], new() { MaxNewTokens = 0 }), "MaxNewTokens (0)", "at least 1"),
        Tokens(() => Generate([[1]], new() { EosTokenIds = [40] }), "The end token 40 of EosTokenIds", "0 to 39"),
        Tokens(() => Generate([[1]], new() { EosTokenIds = [-1] }), "The end token -1 of EosTokenIds", "0 to 39"),
        Tokens(() => Generate([[1]], new() { BadWordsIds = [[1], [2, 40]] }), "The token 40 of BadWordsIds", "0 to 39"),
        Tokens(() => Generate([[1]], new() { SuppressTokens = [-1] }), "The token -1 of SuppressTokens", "0 to 39"),
        Tokens(() => Generate([[1]], new() { BeginSuppressTokens = [40] }), "The token 40 of BeginSuppressTokens", "0 to 39"),
        Tokens(() => Generate([[1]], new() { ForcedBosTokenId = 40 }), "The token 40 of ForcedBosTokenId", "0 to 39"),
        Tokens(() => Generate([[1]], new() { ForcedEosTokenId = -2 }), "The token -2 of ForcedEosTokenId", "0 to 39"),
        Tokens(() => Generate([[1]], new() { Constraint = Letters }), "Constraint is set", "set Tokenizer of the TokenGenerator"),
        Tokens(
            () => new TokenGenerator(Network) { Tokenizer = Tiny.Tokenizer }.Generate([[1]], new() { Constraint = Letters }),
            "tokens, but the model's vocabulary has 40", "belong together"),
        Tokens(
            () => new TokenGenerator(Network).Generate([[1]], new() { NumBeams = 2 }, onToken: (_, _) => { }),
            "NumBeams (2) must be 1 for onToken", "when the search ends"),
        Of<InvalidOperationException>(
            "TokenGenerator.Generate", () => Generate([[1]], new() { SuppressTokens = [.. Enumerable.Range(0, 40)] }),
            ["forbid every token", "forbid less"]),
        Tokens(() => Generate([[1]], new() { StopStrings = ["."] }), "StopStrings", "a stop predicate"),
        Tokens(() => new TokenGenerator(Network).Generate([[1]], new(), [1, 2]), "2 row seeds for 1 prompts", "one per prompt"),
        Tokens(() => new TokenGenerator(Network).Generate([[1]], new(), []), "0 row seeds for 1 prompts", "one per prompt"),
        Of<OperationCanceledException>(
            "TokenGenerator.Generate", () => new TokenGenerator(Network).Generate([[1]], new(), cancel: new CancellationToken(true)), []),
        Of<ObjectDisposedException>(
            "TokenGenerator.Generate", () => new TokenGenerator(DisposedNetwork()).Generate([[1]], new()), ["gpt2 model", "was disposed"]),
    ];

    private static IEnumerable<BadInput> Responses() =>
    [
        Null("ResponseExtensions.RespondToBatch", "model", () => ((CausalLanguageModel)null!).RespondToBatch([[1]])),
        Null("ResponseExtensions.RespondToBatch", "queries", () => Network.RespondToBatch(null!)),
        Response<ArgumentOutOfRangeException>(() => Network.RespondToBatch([[1]], 0), "txtLen (0)", "1 or greater"),
        Response<ArgumentOutOfRangeException>(() => Network.RespondToBatch([[1]], -5), "txtLen (-5)", "1 or greater"),
        Response<ArgumentException>(() => Network.RespondToBatch([[1]], 32), "Query 0 has 1 tokens", "txtLen (32)", "context of 32"),
        Response<ArgumentException>(() => Network.RespondToBatch([[1]], int.MaxValue), "txtLen (2147483647)", "context of 32"),
        Response<ArgumentException>(() => Network.RespondToBatch([[1], []]), "Prompt 1 is empty"),
        Response<ArgumentException>(() => Network.RespondToBatch([null!]), "Query 0 is null", "at least one token"),
        Response<ArgumentException>(() => Network.RespondToBatch([[40]]), "Prompt 0 holds the token 40", "0 to 39"),
        Response<ArgumentException>(() => Network.RespondToBatch([[1]], topK: -1), "TopK (-1)", "0 for all tokens"),
        Response<ArgumentException>(() => Network.RespondToBatch([[1]], topP: 0), "TopP (0)", "at most 1"),
        Response<ArgumentException>(() => Network.RespondToBatch([[1]], topP: double.NaN), "TopP (NaN)", "at most 1"),
    ];

    private static IEnumerable<BadInput> BestOfN() =>
    [
        Null("BestOfNSampler.#ctor", "model", () => new BestOfNSampler(null!, (_, c) => [.. c.Select(_ => 1.0)])),
        Null("BestOfNSampler.#ctor", "model", () => new BestOfNSampler(null!, Reward)),
        Null("BestOfNSampler.#ctor", "rewardModel", () => new BestOfNSampler(Language, (TextRewardModel)null!)),
        Null("BestOfNSampler.#ctor", "queriesToScores", () => new BestOfNSampler(Language, Function(null!))),
        Of<ArgumentOutOfRangeException>(
            "BestOfNSampler.#ctor", () => new BestOfNSampler(Language, Reward, sampleSize: 0), ["sampleSize (0)", "1 or greater"]),
        Of<ArgumentOutOfRangeException>(
            "BestOfNSampler.#ctor", () => new BestOfNSampler(Language, Reward, sampleSize: -1), ["sampleSize (-1)"]),
        Of<ArgumentOutOfRangeException>(
            "BestOfNSampler.#ctor", () => new BestOfNSampler(Language, Reward, nCandidates: 0), ["nCandidates (0)", "1 or greater"]),
        Of<ArgumentException>(
            "BestOfNSampler.#ctor", () => new BestOfNSampler(Language, Reward, nCandidates: 5), ["nCandidates (5)", "sampleSize (4)"]),
        Null("BestOfNSampler.Generate", Prompts, () => Sampler(new(1, 2)).Generate((IReadOnlyList<string>)null!)),
        Best(() => Sampler().Generate((string)null!), "Prompt 0 is null", "give a text"),
        Best(() => Sampler().Generate(""), "Row 0: the prompt is empty", "at least one token"),
        Best(() => Sampler().Generate(["the", null!]), "Prompt 1 is null", "give a text"),
        Best(() => Sampler().Generate(new string('q', 99)), "Row 0: the prompt is", "context of 32"),
        Best(() => Sampler().Generate("the", new() { DoSample = false }), "DoSample is false", "4 samples", "sampleSize to 1"),
        Best(() => Sampler().Generate("the", new() { TopK = -2 }), "TopK (-2)"),
        Best(() => Sampler().Generate("the", new() { NumReturnSequences = 2 }), "NumReturnSequences (2)", "1 for BestOfNSampler"),
        Best(() => Sampler(new(2, 4)).Generate("the", new() { MinNewTokens = 3 }), "MinNewTokens (3)", "LengthSampler draws (2)"),
    ];

    private static IEnumerable<BadInput> BestOfNScores() =>
    [
        Scores(_ => null!, "queriesToScores gave null for 4 completions", "one for each"),
        Scores(_ => [], "queriesToScores gave 0 scores for 4 completions", "one for each"),
        Scores(texts => [.. texts.Skip(1).Select(_ => 1.0)], "queriesToScores gave 3 scores for 4 completions"),
        Scores(texts => [.. texts.Select(_ => double.NaN)], "queriesToScores gave NaN for sample 0 of prompt 0", "finite numbers"),
        Scores(texts => [.. texts.Select((_, i) => i / 0.0)], "for sample 0 of prompt 0", "finite numbers"),
    ];

    private static GenerationResult Generate(IReadOnlyList<int[]> prompts, GenerationOptions options) =>
        new TokenGenerator(Network).Generate(prompts, options);

    private static BestOfNSampler Sampler(LengthSampler? lengths = null) =>
        new(Language, (_, texts) => [.. texts.Select(_ => 1.0)], lengths);

    private static Func<IReadOnlyList<string>, IReadOnlyList<string>, IReadOnlyList<double>> Function(
        Func<IReadOnlyList<string>, IReadOnlyList<string>, IReadOnlyList<double>> function) => function;

    private static BadInput Tokens(Action act, params string[] words) =>
        Of<ArgumentException>("TokenGenerator.Generate", act, words, string.Join(", ", words));

    private static BadInput Response<T>(Action act, params string[] words)
        where T : ArgumentException => Of<T>("ResponseExtensions.RespondToBatch", act, words, string.Join(", ", words));

    private static BadInput Best(Action act, params string[] words) =>
        Of<ArgumentException>("BestOfNSampler.Generate", act, words, string.Join(", ", words));

    private static BadInput Scores(Func<IReadOnlyList<string>, IReadOnlyList<double>> scores, params string[] words) =>
        Of<InvalidOperationException>(
        "BestOfNSampler.Generate", () => new BestOfNSampler(Language, (_, texts) => scores(texts)).Generate("the"), words,
        string.Join(", ", words));
}
