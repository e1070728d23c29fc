using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>
/// Seconds of a step, from the operations of its matrix products: 2 per weight and token forward, and as many again for the gradient of the
/// inputs and for that of the weights that are trained (arXiv:2001.08361, section 2.1).
/// </summary>
/// <param name="shape">The model.</param>
/// <param name="options">Checked.</param>
/// <param name="lengths">Of the texts.</param>
/// <param name="rate">Of the device.</param>
internal sealed class StepTime(ModelShape shape, TrainingOptions options, TextLengths lengths, ComputeRate rate)
{
    // norms, activations, softmax and the steps between take time, too: measured on GPT-2 and LLaMA on two CPU cores
    private const double BesideProducts = 1.35;

    private readonly int _size = MemoryHabits.Size(options);

    /// <summary>Seconds of a step.</summary>
    public double Seconds()
    {
        PassShape pass = MeanPass();
        (double all, double trained) = BlockWeights();
        double head = (double)shape.Config.VocabularySize * shape.Config.OutputSize;
        bool hasHead = shape.Model is CausalLanguageModel;
        double read = Forward(pass, all) + (hasHead ? 2 * head * pass.Labels : 0);
        double learnt = (3 * Forward(pass, all)) - (2 * pass.Tokens * (all - trained))
            + (hasHead ? (shape.TrainsHead ? 8 : 6) * head * pass.Labels : 0);
        bool reads = options is DpoOptions { ReferenceFree: false, PrecomputeRefLogProbs: false };
        double products = Passes.PerStep(options) * (learnt + (reads ? read : 0)), seconds = 0;
        if (options is PpoOptions ppo)
        {
            products += read * ppo.BatchSize / ppo.MiniBatchSize;
            seconds = Sampling(ppo, all, head);
        }
        double updates = options is PpoOptions own ? Passes.PerStep(own) / own.GradientAccumulationSteps : 1;
        double moved = MemoryHabits.IsNarrow(options) ? 34 : 28; // bytes per number: gradient, moments, weights
        double update = updates * (shape.TrainedWeights + shape.AdapterWeights) * moved;
        return seconds + (products / rate.Operations * BesideProducts) + (update / rate.Bytes);
    }

    /// <summary>A pass of average rows.</summary>
    private PassShape MeanPass()
    {
        PassShape longest = Passes.Training(options, lengths, shape.Config, isCpu: true);
        double share = lengths.Mean / lengths.Longest, tokens = longest.Tokens * share;
        return longest with { Tokens = (long)tokens, Labels = (long)Math.Min(tokens, longest.Labels), Length = (long)lengths.Mean };
    }

    private double Forward(PassShape pass, double weights) => pass.Tokens * ((2 * weights)
        + (2.0 * shape.Blocks.Count() * pass.Length * shape.Config.HeadCount * shape.Config.HeadSize));

    /// <summary>Each token reads all weights once, or takes the time of its products, whichever is longer.</summary>
    private double Sampling(PpoOptions options, double weights, double head)
    {
        int answer = TextLengths.Answer(options);
        double rows = Math.Min(options.BatchSize, options.GenerationBatchSize ?? options.BatchSize), batches = options.BatchSize / rows;
        double one = Math.Max((weights + head) * _size / rate.Bytes, 2 * rows * (weights + head) / rate.Operations);
        double prompts = 2 * rows * Math.Max(1, lengths.Longest - answer) * weights / rate.Operations;
        return batches * BesideProducts * (prompts + (answer * one));
    }

    /// <summary>Weights of the blocks that a token goes through, and those of them that are trained; adapters among both.</summary>
    private (double All, double Trained) BlockWeights()
    {
        double all = 0, trained = 0;
        foreach (LinearModule layer in shape.Blocks.SelectMany(part => part.Block.modules().Distinct().OfType<LinearModule>()))
        {
            (long outputs, long inputs) = ModelShape.SizeOf(layer);
            double adapter = (double)shape.RankOf(layer) * (inputs + outputs), weights = (double)outputs * inputs;
            all += weights + adapter;
            trained += adapter + (layer.Weight.requires_grad ? weights : 0);
        }
        if (shape.Config.Experts is { } experts) // all but a few of the weights are experts', of which a token goes to some
            (all, trained) = (all * experts.PerToken / experts.Count, trained * experts.PerToken / experts.Count);
        return (all, trained);
    }
}
