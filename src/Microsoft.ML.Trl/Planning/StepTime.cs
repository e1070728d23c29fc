using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>
/// Seconds of a step, from the operations of its matrix products: 2 per weight and token forward, and as many again for the gradient of the
/// inputs and for that of the weights that are trained (arXiv:2001.08361, section 2.1); once more forward where blocks are computed again.
/// </summary>
/// <param name="shape">The model.</param>
/// <param name="options">Checked.</param>
/// <param name="lengths">Of the texts.</param>
/// <param name="rate">Of the device.</param>
/// <param name="teacher">Whom a student learns from.</param>
internal sealed class StepTime(
    ModelShape shape, TrainingOptions options, TextLengths lengths, ComputeRate rate, ModelShape? teacher = null)
{
    // norms, activations, softmax and the steps between take time, too. Steps of the benchmarks "sft" on two CPU cores, with and without
    // checkpointing: shape gpt2 12 and 16 % less than planned, shape small 12 % more
    private const double BesideProducts = 1.35;

    private readonly int _size = MemoryHabits.Size(options);

    /// <summary>Seconds of a step.</summary>
    public double Seconds()
    {
        PassShape pass = MeanPass();
        (double all, double passed, double trained) = BlockWeights(shape);
        double head = (double)shape.Config.VocabularySize * shape.Config.OutputSize;
        int blocks = shape.Blocks.Count(), passedBlocks = shape.Blocks.Count(part => shape.IsPassed(part.Block));
        bool hasHead = shape.Model is CausalLanguageModel;
        double vocabulary = hasHead ? head * pass.Labels * MemoryHabits.Distributions(options) : 0;
        double read = Forward(pass, all, blocks) + (2 * vocabulary);
        double back = Forward(pass, passed, passedBlocks) * (options.GradientCheckpointing ? 2 : 1); // once more forward before
        double learnt = read + back + (2 * pass.Tokens * trained) + Attention(pass, shape.Config, passedBlocks)
            + ((shape.TrainsHead ? 6 : 4) * vocabulary);
        PlannedSampling? sampling = PlannedSampling.Of(options);
        double taught = teacher is null ? 0 : Taught(pass, teacher);
        double products = (Passes.PerStep(options) * (learnt + taught)) + (Readings(sampling) * read);
        double seconds = sampling is null ? 0 : Sampling(sampling, all, head);
        double updates = options is PpoOptions own ? Passes.PerStep(own) / own.GradientAccumulationSteps : 1;
        return seconds + (products / rate.Operations * BesideProducts) + (updates * UpdateBytes() / rate.Bytes);
    }

    /// <summary>Bytes that an update reads and writes: gradients, weights, masters, and what the optimizer remembers.</summary>
    private double UpdateBytes()
    {
        double numbers = shape.Active.Sum(tensor => tensor.Count);
        double state = shape.Active.Sum(tensor => (double)MemoryHabits.StateBytes(options, tensor.Shape));
        return (numbers * (MemoryHabits.IsNarrow(options) ? 18 : 12)) + (2 * state);
    }

    /// <summary>A pass of average rows.</summary>
    private PassShape MeanPass()
    {
        PassShape longest = Passes.Training(options, lengths, shape.Config, isCpu: true);
        double share = lengths.Mean / lengths.Longest, tokens = longest.Tokens * share;
        return longest with { Tokens = (long)tokens, Labels = (long)Math.Min(tokens, longest.Labels), Length = (long)lengths.Mean };
    }

    /// <summary>A forward pass of the teacher.</summary>
    private static double Taught(PassShape pass, ModelShape teacher) =>
        (2 * pass.Tokens * BlockWeights(teacher).All) + Attention(pass, teacher.Config, teacher.Blocks.Count())
            + (2.0 * teacher.Config.VocabularySize * teacher.Config.OutputSize * pass.Labels);

    private double Forward(PassShape pass, double weights, int blocks) =>
        (2 * pass.Tokens * weights) + Attention(pass, shape.Config, blocks);

    private static double Attention(PassShape pass, ModelConfig config, int blocks) =>
        2.0 * pass.Tokens * blocks * pass.Length * config.HeadCount * config.HeadSize;

    /// <summary>Forward passes of a step that nothing is learnt from.</summary>
    private double Readings(PlannedSampling? sampling)
    {
        double reference = PlannedReference.Of(options) is null ? 0 : 1, passes = Passes.PerStep(options);
        return options switch
        {
            KtoOptions { LossType: KtoLossType.Kto } => passes * (1 + (2 * reference)), // answers to other prompts, under both
            PpoOptions or GroupOptions => reference * sampling!.PerStep * sampling.Rows / Passes.Rows(options),
            _ => passes * reference,
        };
    }

    /// <summary>Each token reads all weights once, or takes the time of its products, whichever is longer.</summary>
    private double Sampling(PlannedSampling sampling, double weights, double head)
    {
        int answer = Math.Min(sampling.NewTokens, lengths.Longest - 1);
        double rows = sampling.AtOnce, batches = sampling.PerStep * sampling.Rows / rows;
        double one = Math.Max((weights + head) * _size / rate.Bytes, 2 * rows * (weights + head) / rate.Operations);
        double prompts = 2 * rows / sampling.PerPrompt * (lengths.Longest - answer) * weights / rate.Operations;
        // where two models write together, that is in the second half alone
        double models = (1 + sampling.Models) / 2.0;
        bool isTriedGreedily = options is GrpoOptions { AdvantageEstimator: AdvantageEstimator.ReMax };
        double more = isTriedGreedily ? 1 + (1.0 / sampling.PerPrompt) : 1;
        return batches * models * more * BesideProducts * (prompts + (answer * one));
    }

    /// <summary>Weights of the blocks that a token goes through, those on its way back, and the trained ones; with adapters.</summary>
    private static (double All, double Passed, double Trained) BlockWeights(ModelShape shape)
    {
        double all = 0, passed = 0, trained = 0;
        foreach ((Block block, _) in shape.Blocks)
            foreach (LinearModule layer in block.modules().Distinct().OfType<LinearModule>())
            {
                (long outputs, long inputs) = ModelShape.SizeOf(layer);
                double adapter = (double)shape.RankOf(layer) * (inputs + outputs), weights = (double)outputs * inputs;
                all += weights + adapter;
                passed += shape.IsPassed(block) ? weights + adapter : 0;
                trained += adapter + (layer.Weight.requires_grad ? weights : 0);
            }
        // all but a few of the weights are experts', of which a token goes to some
        double share = shape.Config.Experts is { } experts ? (double)experts.PerToken / experts.Count : 1;
        return (all * share, passed * share, trained * share);
    }
}
