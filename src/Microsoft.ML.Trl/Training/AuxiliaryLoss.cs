using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>The load-balancing loss of models with experts, which is added to the loss of a method; models without any have none.</summary>
/// <param name="config">Of the model.</param>
/// <param name="coefficient">Its weight, 0 for none; null = what the configuration says.</param>
internal sealed class AuxiliaryLoss(ModelConfig config, double? coefficient)
{
    private readonly double _weight = config.Experts is not { } experts ? 0
        : coefficient ?? (experts.OutputsRouterLogits ? experts.AuxiliaryLossWeight : 0);

    /// <summary>Whether anything is added.</summary>
    public bool IsCounted => _weight != 0;

    /// <summary>What a pass over a batch has to tell; null when nothing is added. Belongs to the current scope.</summary>
    public RouterLoad? Begin(TokenBatch batch) =>
        _weight == 0 ? null : new RouterLoad(batch.Ids, batch.Lengths, batch.IsPaddingFree);

    /// <summary>Adds the loss of a pass.</summary>
    /// <param name="loss">A scalar; belongs to the current scope, as does what comes out.</param>
    /// <param name="load">Of the pass; null = nothing is added.</param>
    /// <param name="log">Notes <c>aux_loss</c>, without its weight.</param>
    /// <param name="share">Of the pass in a step whose losses are added without further weights.</param>
    /// <param name="count">Examples or tokens of the pass, for an evaluation.</param>
    /// <returns>The sum, and what was added.</returns>
    public (Tensor Loss, double Added) AddTo(Tensor loss, RouterLoad? load, IFigures log, double share = 1, double count = 1)
    {
        if (load is null)
            return (loss, 0);
        Tensor auxiliary = load.Loss();
        double value = auxiliary.item<float>();
        log.Note("aux_loss", value, count);
        return (loss + (auxiliary * (_weight * share)), value * _weight * share);
    }
}
