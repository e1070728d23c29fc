using Microsoft.ML.Trl.Operators;

namespace Microsoft.ML.Trl.Training;

/// <summary>The rules by their names: a new one is a file and a line here.</summary>
internal static class UpdateRules
{
    private static readonly Dictionary<OptimizerKind, Func<UpdateSettings, IUpdateRule>> All = new()
    {
        [OptimizerKind.AdamW] = settings => new MomentRule(new AdamUpdate(settings, isDecoupled: true)),
        [OptimizerKind.Adam] = settings => new MomentRule(new AdamUpdate(settings, isDecoupled: false)),
        [OptimizerKind.Sgd] = _ => new MomentRule(new SgdUpdate()),
        [OptimizerKind.RmsProp] = settings => new MomentRule(new RmsPropUpdate(settings)),
        [OptimizerKind.Adagrad] = _ => new MomentRule(new AdagradUpdate()),
        [OptimizerKind.Adafactor] = _ => new AdafactorRule(),
        [OptimizerKind.Lion] = settings => new MomentRule(new LionUpdate(settings)),
        [OptimizerKind.AdamW8Bit] = settings => Adam8Bit(settings, isDecoupled: true),
        [OptimizerKind.Adam8Bit] = settings => Adam8Bit(settings, isDecoupled: false),
        [OptimizerKind.Lion8Bit] = settings => Lion8Bit(settings),
    };

    /// <summary>The rule of a kind.</summary>
    public static IUpdateRule Of(UpdateSettings settings) => All[settings.Kind](settings);

    /// <summary>Adam with both moments in 8 bits.</summary>
    public static EightBitRule Adam8Bit(UpdateSettings settings, bool isDecoupled, bool usesKernel = true) => new(
        new AdamUpdate(settings, isDecoupled), [DynamicCode.Signed, DynamicCode.Unsigned],
        (weights, gradient, moments, step) =>
            new BlockwiseStep(step.Adam(settings, isDecoupled)).Adam(weights, gradient, moments[0], moments[1]))
    {
        UsesKernel = usesKernel,
    };

    /// <summary>LION with its moment in 8 bits.</summary>
    public static EightBitRule Lion8Bit(UpdateSettings settings, bool usesKernel = true) => new(
        new LionUpdate(settings), [DynamicCode.Signed],
        (weights, gradient, moments, step) => new BlockwiseStep(step.Lion(settings)).Lion(weights, gradient, moments[0]))
    {
        UsesKernel = usesKernel,
    };
}
