using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Low-rank adaptation, arXiv:2106.09685: beside chosen linear layers stands B·A with few weights, and these alone are trained. Names and
/// defaults of PEFT's LoraConfig. Immutable; make variants with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record LoraOptions
{
    /// <summary>In <see cref="TargetModules"/>: every linear layer but the head.</summary>
    public const string AllLinear = "all-linear";

    /// <summary>What TRL's command line takes: rank 16, alpha 32, dropout 0.05.</summary>
    public static LoraOptions TrlDefaults { get; } = new() { R = 16, LoraAlpha = 32, LoraDropout = 0.05 };

    /// <summary>Rank of B·A. At least 1.</summary>
    public int R { get; init; } = 8;

    /// <summary>B·A is multiplied by this over <see cref="R"/>. Greater than 0.</summary>
    public double LoraAlpha { get; init; } = 8;

    /// <summary>Share of an adapter's inputs that is dropped during training, in [0, 1).</summary>
    public double LoraDropout { get; init; }

    /// <summary>
    /// Names of linear layers in the checkpoint (<c>q_proj</c>, <c>c_attn</c>), or ends of their paths (<c>mlp.c_proj</c>), or
    /// <see cref="AllLinear"/> alone. Null = PEFT's choice for the family, unless <see cref="TargetPattern"/> is set.
    /// </summary>
    public IReadOnlyList<string>? TargetModules { get; init; }

    /// <summary>
    /// A regular expression for whole paths, in the place of <see cref="TargetModules"/>. PEFT has it in the same property.
    /// </summary>
    public string? TargetPattern { get; init; }

    /// <summary>Names, or ends of paths, of layers that are left out. Null = none.</summary>
    public IReadOnlyList<string>? ExcludeModules { get; init; }

    /// <summary>Numbers of the blocks, from 0, whose layers get an adapter. Null = all.</summary>
    public IReadOnlyList<int>? LayersToTransform { get; init; }

    /// <summary>Ranks of layers by name or expression, where they are not <see cref="R"/>. Null = none.</summary>
    public IReadOnlyDictionary<string, int>? RankPattern { get; init; }

    /// <summary>As <see cref="RankPattern"/>, of <see cref="LoraAlpha"/>.</summary>
    public IReadOnlyDictionary<string, double>? AlphaPattern { get; init; }

    /// <summary>Which biases are trained too.</summary>
    public LoraBias Bias { get; init; }

    /// <summary>
    /// Names of modules that are trained whole, in copies that are saved with the adapter: <c>lm_head</c>, <c>embed_tokens</c>. The head
    /// of a reward model or classifier always is.
    /// </summary>
    public IReadOnlyList<string>? ModulesToSave { get; init; }

    /// <summary>Multiply B·A by alpha over the square root of the rank: arXiv:2312.03732.</summary>
    public bool UseRslora { get; init; }

    /// <summary>Train the lengths of the weight's rows by themselves: DoRA, arXiv:2402.09353.</summary>
    public bool UseDora { get; init; }

    /// <summary>How a fresh adapter is drawn.</summary>
    public LoraInitialization InitLoraWeights { get; init; }

    /// <summary>
    /// The learning rate of B, and of biases, over that of A: LoRA+, arXiv:2402.12354. At least 1; null = 1. PEFT's
    /// <c>loraplus_lr_ratio</c>.
    /// </summary>
    public double? LoraplusLrRatio { get; init; }

    /// <summary>
    /// Whether a saved pipeline holds the base, too. False stores the adapter, the folder of the base and its hash; then a stage must start
    /// from a <see cref="ModelSource.Folder"/>, which must still be there, unchanged, when the pipeline is loaded.
    /// </summary>
    public bool SaveBase { get; init; } = true;

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    /// <exception cref="NotSupportedException">Two options do not go together.</exception>
    internal LoraOptions Validated()
    {
        Require.AtLeast(R, 1);
        Require.Positive(LoraAlpha);
        Require.Below(LoraDropout, 0, 1);
        Require.Known(Bias);
        Require.Known(InitLoraWeights);
        if (LoraplusLrRatio is < 1 or double.NaN or double.PositiveInfinity)
            throw new ArgumentOutOfRangeException(
                nameof(LoraplusLrRatio),
                FormattableString.Invariant($"LoraplusLrRatio ({LoraplusLrRatio}) must be a finite number, 1 or greater."));
        RequireNames(TargetModules, nameof(TargetModules));
        RequireNames(ExcludeModules, nameof(ExcludeModules));
        RequireNames(ModulesToSave, nameof(ModulesToSave));
        ValidateTargets();
        foreach ((string layers, int rank) in RankPattern ?? new Dictionary<string, int>())
            Require.AtLeast(rank, 1, $"RankPattern of '{layers}'");
        foreach ((string layers, double alpha) in AlphaPattern ?? new Dictionary<string, double>())
            Require.Positive(alpha, $"AlphaPattern of '{layers}'");
        LayerMatch.CheckPatterns(this);
        if (UseDora && InitLoraWeights == LoraInitialization.Pissa)
            throw new NotSupportedException("UseDora with InitLoraWeights Pissa is not supported; use one of the two.");
        return this;
    }

    private void ValidateTargets()
    {
        if (TargetPattern is not null && TargetModules is not null)
            throw new ArgumentException(
                "TargetPattern and TargetModules are both set; say in one of them which layers get an adapter.", nameof(TargetPattern));
        if (TargetModules is { Count: > 1 } && TargetModules.Contains(AllLinear))
            throw new ArgumentException($"TargetModules has '{AllLinear}' beside other names; give it alone.", nameof(TargetModules));
        if (LayersToTransform is { Count: 0 })
            throw new ArgumentException("LayersToTransform is empty; give numbers of blocks, or null for all.", nameof(LayersToTransform));
        foreach (int layer in LayersToTransform ?? [])
            Require.AtLeast(layer, 0, nameof(LayersToTransform));
    }

    private static void RequireNames(IReadOnlyList<string>? names, string property)
    {
        if (names is not null && (names.Count == 0 || names.Any(string.IsNullOrWhiteSpace)))
            throw new ArgumentException($"{property} is empty or holds an empty name; give names of modules, or null.", property);
    }
}
