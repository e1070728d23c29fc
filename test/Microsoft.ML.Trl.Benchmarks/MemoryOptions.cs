namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>Options that save memory in training; unlike the library's, all are off.</summary>
internal sealed record MemoryOptions(bool Checkpointing = false, string? OffloadFolder = null, bool InBackward = false)
{
    public static readonly string[] Names = ["checkpointing", "offload", "in-backward"];

    public static MemoryOptions Of(Dictionary<string, string> given) => new(
        bool.Parse(given.GetValueOrDefault(Names[0], "false")), given.GetValueOrDefault(Names[1]),
        bool.Parse(given.GetValueOrDefault(Names[2], "false")));

    public T On<T>(T options) where T : TrainingOptions => options with
    {
        GradientCheckpointing = Checkpointing,
        ActivationOffloading = OffloadFolder is not null,
        OffloadFolder = OffloadFolder,
        OptimizerInBackward = InBackward,
        MaxGradNorm = InBackward ? 0 : options.MaxGradNorm,
    };
}
