using Microsoft.ML.Trl;

namespace DdpoSample;

/// <summary>Shape of the network, and options of the two stages.</summary>
internal sealed record Settings
{
    private static readonly ImageGenerationOptions Drawing = new() { NumInferenceSteps = 10, GuidanceScale = 1, Eta = 1 };

    /// <summary>Pictures to learn from, and to score with.</summary>
    public required int Images { get; init; }

    public required DenoiserConfig Shape { get; init; }

    public required DenoisingOptions Pretraining { get; init; }

    public required DdpoOptions Ddpo { get; init; }

    /// <summary>Two to three minutes on two cores.</summary>
    public static Settings Full { get; } = new()
    {
        Images = 384,
        Shape = new()
        {
            Height = ShapeData.Side,
            Width = ShapeData.Side,
            BlockOutChannels = [16, 32],
            NumAttentionHeads = 2,
            Schedule = new() { NumTrainTimesteps = 100, BetaStart = 1e-3, BetaEnd = 0.1 },
        },
        Pretraining = new()
        {
            MaxSteps = 450, PerDeviceTrainBatchSize = 32, LearningRate = 3e-3, LoggingSteps = 50, Generation = Drawing,
        },
        Ddpo = new()
        {
            NumEpochs = 10,
            SampleNumSteps = Drawing.NumInferenceSteps,
            SampleGuidanceScale = Drawing.GuidanceScale,
            SampleBatchSize = 48,
            SampleNumBatchesPerEpoch = 1,
            TrainBatchSize = 48,
            TrainLearningRate = 3e-4,
            PerPromptStatTracking = true,
        },
    };

    /// <summary>The same with next to no training, to see that it runs.</summary>
    public Settings Shortened() => this with
    {
        Images = 96,
        Pretraining = Pretraining with { MaxSteps = 40 },
        Ddpo = Ddpo with { NumEpochs = 3, SampleBatchSize = 24, TrainBatchSize = 24 },
    };
}
