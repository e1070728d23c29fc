using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Planning;

/// <summary>
/// Bytes that a forward pass keeps for its backward pass, block by block: what autograd saves of each operation, counted from the modules
/// themselves. A linear layer keeps its input only where its weight, or an adapter beside it, is trained.
/// </summary>
/// <param name="shape">The model.</param>
/// <param name="pass">Numbers of the pass.</param>
internal sealed class ActivationSize(ModelShape shape, PassShape pass)
{
    private readonly long _width = shape.Config.HiddenSize;
    private readonly double _size = pass.IsNarrow ? 2 : 4;

    /// <summary>Bytes per token that a block keeps up to its attention, and behind it.</summary>
    public (double Attention, double Behind) OfBlock(Block block)
    {
        double attention = 0, rest = 0;
        bool isFirst = true;
        foreach (TorchSharp.torch.nn.Module part in block.modules().Distinct())
        {
            double norm = OfNorm(part) ?? 0;
            (attention, rest) = isFirst ? (attention + norm, rest) : (attention, rest + norm);
            isFirst &= norm == 0;
            attention += part is Attention own ? OfAttention(own) : part is CrossAttention ? OfCrossAttention(part) : 0;
            rest += part is MixtureOfExperts experts ? OfExperts(experts) : 0;
            if (part is FeedForward or GatedFeedForward or PackedGatedFeedForward && !IsExpert(block, part))
                rest += OfFeedForward(part);
        }
        if (pass.Drops && shape.Config.ResidualDropout > 0)
            (attention, rest) = (attention + (_width * _size), rest + (_width * _size)); // what was kept
        return (attention, rest);
    }

    /// <summary>Bytes per token of the gradients that exist at once while the backward pass goes through a block.</summary>
    public double InBackward(Block block)
    {
        double widest = 0;
        foreach (TorchSharp.torch.nn.Module part in block.modules().Distinct())
            if (part is FeedForward or GatedFeedForward or PackedGatedFeedForward)
                widest = Math.Max(widest, Inner(part) * (part is FeedForward ? 2 : 3));
        return (widest + (2 * _width)) * _size;
    }

    /// <summary>Bytes per token that exist at once while a block is read without gradients.</summary>
    public double WithoutGradient(Block block)
    {
        double widest = 0;
        foreach (TorchSharp.torch.nn.Module part in block.modules().Distinct())
            if (part is FeedForward or GatedFeedForward or PackedGatedFeedForward)
                widest = Math.Max(widest, Inner(part) * (part is FeedForward ? 2 : 3));
        return (widest + (4 * _width)) * _size;
    }

    private double OfNorm(TorchSharp.torch.nn.Module part, long width, bool isTrained) => part switch
    {
        LayerNormalization or PlainLayerNormalization => width * _size,
        // the squares are taken in float32; the normed rows are kept for the gradient of the weight
        RmsNormalization => width * (_size + (pass.IsNarrow ? 4 : 0) + (isTrained ? _size : 0)),
        _ => width * ((pass.IsNarrow ? 4 : _size) + (isTrained ? 4 : 0)),
    };

    private double? OfNorm(TorchSharp.torch.nn.Module part)
    {
        if (part is not (LayerNormalization or PlainLayerNormalization or RmsNormalization or ShiftedRmsNormalization))
            return null;
        TorchSharp.Modules.Parameter? weight = part.parameters().FirstOrDefault();
        long width = weight?.shape[0] ?? _width;
        return width == _width ? OfNorm(part, width, weight?.requires_grad == true) : null; // norms of heads belong to attention
    }

    private double OfAttention(Attention attention)
    {
        ModelConfig config = shape.Config;
        LinearModule[] layers = Layers(attention);
        double queries = (double)config.HeadCount * config.HeadSize, keys = (double)config.KeyValueHeadCount * config.HeadSize;
        double bytes = InputsOf(layers[..^1], _width) + InputsOf(layers[^1..], 0);
        if (attention.Inputs is PackedProjection && config.Rope is not null && !pass.IsWidened)
            bytes += (queries + keys) * _size; // the values are a view of what also holds unturned queries and keys
        foreach (TorchSharp.torch.nn.Module norm in attention.modules().Distinct().Where(part => part is RmsNormalization))
            bytes += OfNorm(norm, 1, norm.parameters().First().requires_grad) * (queries + keys) / 2;
        return bytes + Core(config.AttentionSoftCap is not null, queries, keys, layers[^1]);
    }

    private double OfCrossAttention(TorchSharp.torch.nn.Module part)
    {
        LinearModule[] layers = Layers(part);
        double inner = (double)shape.Config.HeadCount * shape.Config.HeadSize;
        return InputsOf(layers[..^1], _width) + InputsOf(layers[^1..], 0) + Core(false, inner, inner, layers[^1]);
    }

    /// <summary>Queries, keys, values, weights and what comes of them.</summary>
    private double Core(bool isComposed, double queries, double keys, LinearModule output)
    {
        long heads = shape.Config.HeadCount;
        isComposed |= pass.Drops && shape.Config.AttentionDropout > 0;
        double attended = IsKept(output) ? queries * _size : 0;
        if (!isComposed)
        {
            double size = pass.IsWidened ? 4 : _size;
            // the fused operator repeats keys and values that heads share; its result is what the next layer reads, unless it is joined
            double joined = pass.IsWidened || pass.IsInParts ? attended : 0;
            return (2 * queries * size) + (2 * queries * size * pass.Keys / pass.Tokens) + joined + (heads * 4);
        }
        double weights = 4 + (pass.IsNarrow ? _size : 0);
        if (pass.Drops && shape.Config.AttentionDropout > 0)
            weights += 2 * _size; // what was kept, and the product
        if (shape.Config.AttentionSoftCap is not null)
            weights += _size;
        return ((queries + (2 * keys)) * _size) + (weights * heads * pass.Length) + attended;
    }

    private double OfFeedForward(TorchSharp.torch.nn.Module part)
    {
        LinearModule[] layers = Layers(part);
        double inner = Inner(part);
        double own = part is FeedForward ? shape.Config.Activation == "relu" && IsKept(layers[^1]) ? 0 : inner : 3 * inner;
        return InputsOf(layers[..^1], _width) + (own * _size) + InputsOf(layers[^1..], inner);
    }

    private double OfExperts(MixtureOfExperts experts)
    {
        ExpertSettings settings = shape.Config.Experts!;
        TorchSharp.torch.nn.Module[] parts =
            [.. experts.modules().Distinct().Where(part => part is FeedForward or GatedFeedForward or PackedGatedFeedForward)];
        double one = OfFeedForward(parts[0]) + (3 * _width * _size); // what goes in, what comes out, and that with its weight
        double shared = settings.SharedWidth is null ? 0 : OfFeedForward(parts[^1]) + (_width * _size);
        return (settings.PerToken * one) + shared + (settings.Count * 8);
    }

    private static bool IsExpert(Block block, TorchSharp.torch.nn.Module part) =>
        block.modules().OfType<MixtureOfExperts>().Any(experts => experts.modules().Contains(part));

    private static LinearModule[] Layers(TorchSharp.torch.nn.Module part) => [.. part.modules().Distinct().OfType<LinearModule>()];

    private static long Inner(TorchSharp.torch.nn.Module part) => ModelShape.SizeOf(Layers(part)[^1]).Inputs;

    private bool IsKept(LinearModule layer) => layer.Weight.requires_grad || shape.RankOf(layer) > 0;

    /// <summary>What layers that read the same rows keep of them, with what adapters make of them.</summary>
    private double InputsOf(LinearModule[] layers, double width)
    {
        double bytes = layers.Any(IsKept) ? width * _size : 0;
        foreach (LinearModule layer in layers.Where(layer => shape.RankOf(layer) > 0))
        {
            long inputs = ModelShape.SizeOf(layer).Inputs;
            bytes += shape.RankOf(layer) * 4.0;
            if (pass.DropsAdapters)
                bytes += 2 * inputs * _size; // what was kept, and the product
            if (pass.IsNarrow)
                bytes += inputs * 4; // adapters are float32
        }
        return bytes;
    }
}

/// <summary>Numbers of a forward and backward pass.</summary>
/// <param name="Tokens">That go through the layers, padding included where it does.</param>
/// <param name="Length">Of the longest row.</param>
/// <param name="Rows">Rows.</param>
/// <param name="Labels">Positions that are finished: they reach the head.</param>
/// <param name="IsNarrow">Whether weights have 16 bits.</param>
/// <param name="IsWidened">Whether attention widens them: on the CPU.</param>
/// <param name="Drops">Whether the model has dropout in training.</param>
/// <param name="DropsAdapters">Whether adapters have.</param>
internal sealed record PassShape(
    long Tokens, long Length, long Rows, long Labels, bool IsNarrow, bool IsWidened, bool Drops, bool DropsAdapters)
{
    /// <summary>Whether texts stand one behind the other, and attention goes through them one by one.</summary>
    public bool IsInParts { get; init; }

    /// <summary>
    /// Tokens whose keys and values attention keeps: those of a prompt that is read once, again with each row that goes on from it.
    /// </summary>
    public long Keys { get; init; } = Tokens;

    /// <summary>A pass of prompts, without gradients.</summary>
    public static PassShape Reading(long tokens, long length, long rows, bool isNarrow) =>
        new(tokens, length, rows, rows, isNarrow, false, false, false);
}
