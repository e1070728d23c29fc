using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Diffusion;

/// <summary>
/// The U-Net of DDPM (arXiv:2006.11239, Appendix B): down through the levels, up again, each level on the way up beside what its
/// counterpart left. Its weights have diffusers' names; the embedding of words, <c>word_embedding</c>, is our own.
/// </summary>
internal sealed class UNet : nn.Module<Tensor, Tensor, Tensor, Tensor>
{
    /// <summary>Name of the place that it is made at, which a checkpoint leaves out.</summary>
    public const string Root = "unet";

    private const int EmbeddingFactor = 4; // width of the embedding over the channels of the first level
    private const double LongestPeriod = 10_000;

    private readonly int _timeWidth;
    private readonly LinearLayer _time1, _time2;
    private readonly LinearLayer? _words;
    private readonly Convolution _input, _output;
    private readonly GroupNormalization _outputNorm;
    private readonly List<Level> _down = [], _up = [];
    private readonly ResidualBlock _middle1, _middle2;
    private readonly PixelAttention? _attention;

    /// <summary>Makes it.</summary>
    /// <param name="config">Checked.</param>
    /// <param name="weights">Gives its weights.</param>
    public UNet(DenoiserConfig config, WeightSource weights) : base(nameof(UNet))
    {
        WeightPath at = new(weights, Root);
        int[] channels = [.. config.BlockOutChannels];
        (_timeWidth, int groups) = (channels[0], config.NormNumGroups);
        long embedding = EmbeddingFactor * _timeWidth;
        this.Own("time_embedding.linear_1", _time1 = Linear(at.At("time_embedding.linear_1"), _timeWidth, embedding));
        this.Own("time_embedding.linear_2", _time2 = Linear(at.At("time_embedding.linear_2"), embedding, embedding));
        if (config.Words.Count > 0)
            this.Own(_words = new LinearLayer(at.At("word_embedding"), config.Words.Count, embedding, Initializer.Normal(1)));
        this.Own(_input = new Convolution(at.At("conv_in"), config.Channels, channels[0]));
        ResidualBlock block(string path, long inputs, long outputs)
        {
            ResidualBlock made = new(at.At(path), inputs, outputs, embedding, groups);
            this.Own(path, made);
            return made;
        }
        Stack<long> left = new([channels[0]]); // channels of what the way down leaves for the way up
        MakeDown(config, at, block, left);
        _middle1 = block("mid_block.resnets.0", channels[^1], channels[^1]);
        if (config.NumAttentionHeads > 0)
            this.Own(
                "mid_block.attentions.0",
                _attention = new PixelAttention(at.At("mid_block.attentions.0"), channels[^1], config.NumAttentionHeads, groups));
        _middle2 = block("mid_block.resnets.1", channels[^1], channels[^1]);
        MakeUp(config, at, block, left);
        this.Own(_outputNorm = new GroupNormalization(at.At("conv_norm_out"), groups, channels[0]));
        this.Own(_output = new Convolution(at.At("conv_out"), channels[0], config.Channels, isSilent: true));
    }

    /// <summary>A linear layer with a bias, drawn as torch draws it.</summary>
    public static LinearLayer Linear(WeightPath at, long inputs, long outputs, bool isSilent = false) => new(
        at, inputs, outputs, isSilent ? Initializer.Zeros : Initializer.Uniform(1 / Math.Sqrt(inputs)), Initializer.Zeros);

    /// <summary>[B, width] waves of all lengths that tell how noisy images are: arXiv:1706.03762, Section 3.5, cosines first.</summary>
    public static Tensor Waves(IReadOnlyList<int> timesteps, int width, Device device)
    {
        float[] waves = new float[timesteps.Count * width];
        int half = width / 2;
        for (int row = 0; row < timesteps.Count; row++)
            for (int i = 0; i < half; i++)
            {
                double angle = timesteps[row] * Math.Exp(-Math.Log(LongestPeriod) * i / half);
                waves[(row * width) + i] = (float)Math.Cos(angle);
                waves[(row * width) + half + i] = (float)Math.Sin(angle);
            }
        return tensor(waves, [timesteps.Count, width], device: device);
    }

    /// <summary>The noise that it sees.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="timesteps">[B] how noisy they are.</param>
    /// <param name="words">[B, words] shares of the words of each prompt.</param>
    /// <returns>[B, C, H, W]. The caller owns it.</returns>
    public Tensor Forward(Tensor images, IReadOnlyList<int> timesteps, Tensor words)
    {
        using DisposeScope scope = NewDisposeScope();
        return forward(images, Waves(timesteps, _timeWidth, images.device), words).MoveToOuterDisposeScope();
    }

    public override Tensor forward(Tensor images, Tensor waves, Tensor words) // [B, C, H, W], [B, width], [B, words] -> [B, C, H, W]
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor embedding = _time2.Forward(silu(_time1.Forward(waves))); // [B, E]
        if (_words is not null)
            embedding = embedding.Plus(_words.Forward(words));
        Tensor x = _input.forward(images);
        Stack<Tensor> left = new([x]);
        foreach (Level level in _down)
        {
            foreach (ResidualBlock block in level.Blocks)
                left.Push(x = block.forward(x, embedding));
            if (level.Resize is { } halve)
                left.Push(x = halve.forward(x));
        }
        x = _middle1.forward(x, embedding);
        x = _middle2.forward(_attention is null ? x : _attention.forward(x), embedding);
        foreach (Level level in _up)
        {
            foreach (ResidualBlock block in level.Blocks)
                x = block.forward(cat([x, left.Pop()], 1), embedding);
            if (level.Resize is { } smooth)
                x = smooth.forward(interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest));
        }
        return _output.forward(silu(_outputNorm.forward(x))).MoveToOuterDisposeScope();
    }

    private void MakeDown(DenoiserConfig config, WeightPath at, Func<string, long, long, ResidualBlock> block, Stack<long> left)
    {
        for (int level = 0; level < config.BlockOutChannels.Count; level++)
        {
            string path = $"down_blocks.{level}";
            int width = config.BlockOutChannels[level];
            List<ResidualBlock> blocks = [];
            for (int layer = 0; layer < config.LayersPerBlock; layer++)
            {
                blocks.Add(block($"{path}.resnets.{layer}", left.Peek(), width));
                left.Push(width);
            }
            bool isLast = level == config.BlockOutChannels.Count - 1;
            _down.Add(new Level(blocks, isLast ? null : Resizing(at, $"{path}.downsamplers.0.conv", width, stride: 2)));
            if (!isLast)
                left.Push(width);
        }
    }

    private void MakeUp(DenoiserConfig config, WeightPath at, Func<string, long, long, ResidualBlock> block, Stack<long> left)
    {
        long inputs = config.BlockOutChannels[^1];
        for (int level = 0; level < config.BlockOutChannels.Count; level++)
        {
            string path = $"up_blocks.{level}";
            int width = config.BlockOutChannels[^(level + 1)];
            List<ResidualBlock> blocks = [];
            for (int layer = 0; layer <= config.LayersPerBlock; layer++)
            {
                blocks.Add(block($"{path}.resnets.{layer}", inputs + left.Pop(), width));
                inputs = width;
            }
            bool isLast = level == config.BlockOutChannels.Count - 1;
            _up.Add(new Level(blocks, isLast ? null : Resizing(at, $"{path}.upsamplers.0.conv", width, stride: 1)));
        }
    }

    private Convolution Resizing(WeightPath at, string path, long channels, int stride)
    {
        Convolution made = new(at.At(path), channels, channels, stride: stride);
        this.Own(path, made);
        return made;
    }

    /// <param name="Blocks">Of one resolution.</param>
    /// <param name="Resize">Leads to the next one; null at the end.</param>
    private sealed record Level(IReadOnlyList<ResidualBlock> Blocks, Convolution? Resize);
}
