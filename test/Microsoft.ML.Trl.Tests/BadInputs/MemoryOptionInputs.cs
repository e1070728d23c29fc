using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Options that save memory: by themselves, and in runs whose model or machine they do not fit.</summary>
internal static class MemoryOptionInputs
{
    private static readonly MLContext Ml = new(1);

    private static readonly PpoOptions Ppo = new() { BatchSize = 2, MiniBatchSize = 2 };

    public static IEnumerable<BadInput> All() => [.. Ranges(), .. Contradictions(), .. Runs()];

    private static IEnumerable<BadInput> Ranges() =>
    [
        Refused<ArgumentOutOfRangeException>(new() { FreezeFirstLayers = -1 }, "FreezeFirstLayers (-1)", "0 or greater"),
        Refused<ArgumentOutOfRangeException>(new() { LisaActivatedLayers = 0 }, "LisaActivatedLayers (0)", "1 or greater"),
        Refused<ArgumentOutOfRangeException>(new() { LisaIntervalSteps = 0 }, "LisaIntervalSteps (0)", "1 or greater"),
        Refused<ArgumentException>(
            new() { ActivationOffloading = true, OffloadFolder = " " }, "OffloadFolder is empty", "name a folder"),
    ];

    private static IEnumerable<BadInput> Contradictions() =>
    [
        Refused<ArgumentException>(
            new() { ActivationOffloading = true, GradientCheckpointing = false }, "what GradientCheckpointing keeps", "set that to true"),
        Refused<ArgumentException>(new() { OptimizerInBackward = true }, "MaxGradNorm (1)", "set MaxGradNorm to 0"),
        Refused<ArgumentException>(
            new() { OptimizerInBackward = true, MaxGradNorm = 0, GradientAccumulationSteps = 2 },
            "GradientAccumulationSteps is 2", "set it to 1"),
        Refused<ArgumentException>(
            new() { OptimizerInBackward = true, MaxGradNorm = 0, Fp16 = true }, "Fp16 overflowed", "use Bf16"),
        Refused<ArgumentException>(new() { FreezeFirstLayers = 1, Peft = new() }, "FreezeFirstLayers (1)", "Peft"),
        Refused<ArgumentException>(new() { FreezeEmbeddings = true, Peft = new() }, "FreezeEmbeddings", "Peft"),
        Refused<ArgumentException>(new() { LisaActivatedLayers = 2, Peft = new() }, "LisaActivatedLayers (2)", "Peft"),
        Of<ArgumentException>(
            "PpoSession.#ctor",
            () => Session(Ppo with { MiniBatchSize = 1, GradientAccumulationSteps = 2, OptimizerInBackward = true }),
            ["GradientAccumulationSteps is 2", "set it to 1"]),
        Of<ArgumentException>(
            "PpoSession.#ctor", () => Session(Ppo with { ActivationOffloading = true }), ["GradientCheckpointing", "set that to true"]),
    ];

    private static IEnumerable<BadInput> Runs() =>
    [
        Fit<ArgumentException>(new() { FreezeFirstLayers = 3 }, "FreezeFirstLayers (3)", "2 layers", "2 or less"),
        Fit<ArgumentException>(new() { LisaActivatedLayers = 3 }, "LisaActivatedLayers (3)", "2 layers", "2 or less"),
        Fit<ArgumentException>(
            new() { LisaActivatedLayers = 2, FreezeFirstLayers = 1 }, "LisaActivatedLayers (2)", "1 layers", "1 or less"),
        Fit<ArgumentException>(new() { ActivationOffloading = true }, "on the CPU", "set OffloadFolder"),
        Fit<DirectoryNotFoundException>(
            new() { ActivationOffloading = true, OffloadFolder = "/no/such/folder" }, "OffloadFolder '/no/such/folder'", "create it"),
        Of<ArgumentException>("PpoSession.#ctor", () => Session(Ppo with { FreezeFirstLayers = 3 }), ["FreezeFirstLayers (3)"]),
        Of<DirectoryNotFoundException>(
            "PpoSession.#ctor",
            () => Session(Ppo with { GradientCheckpointing = true, ActivationOffloading = true, OffloadFolder = "/no/such/folder" }),
            ["OffloadFolder '/no/such/folder'"]),
    ];

    private static BadInput Refused<T>(SftOptions options, params string[] words)
        where T : Exception => Of<T>("TrlCatalog.Sft", () => Ml.Trl().Sft(options), words, words[0]);

    private static BadInput Fit<T>(SftOptions options, params string[] words)
        where T : Exception => Of<T>(
            "SftTrainer.Fit", () => Ml.Trl().Sft(Tiny.Source(), options).Fit(Ml.Data.LoadFromEnumerable(Tiny.Pairs)), words,
            string.Join(", ", words));

    private static void Session(PpoOptions options)
    {
        using CausalLanguageModel network = Toys.Gpt2();
        new PpoSession(network, options).Dispose();
    }
}
