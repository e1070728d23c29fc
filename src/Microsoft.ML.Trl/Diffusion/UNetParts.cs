using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Diffusion;

/// <summary>A convolution with a bias that keeps the size of the image, or divides it by the stride.</summary>
internal sealed class Convolution : nn.Module<Tensor, Tensor>
{
    private const long ChannelBlock = 16;

    private readonly long[] _strides, _padding;
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter _bias;

    /// <param name="at">Its place.</param>
    /// <param name="inputs">Channels that it reads.</param>
    /// <param name="outputs">Channels that it gives.</param>
    /// <param name="kernel">Side of the window; odd.</param>
    /// <param name="stride">Pixels from one window to the next.</param>
    /// <param name="isSilent">Begins with zeros: what it ends begins as if it were not there.</param>
    public Convolution(WeightPath at, long inputs, long outputs, int kernel = 3, int stride = 1, bool isSilent = false) : base(at.Name)
    {
        (_strides, _padding) = ([stride, stride], [kernel / 2, kernel / 2]);
        Initializer initializer = isSilent ? Initializer.Zeros : Initializer.Uniform(1 / Math.Sqrt(inputs * kernel * kernel));
        register_parameter("weight", _weight = at.Take("weight", initializer, outputs, inputs, kernel, kernel));
        register_parameter("bias", _bias = at.Take("bias", Initializer.Zeros, outputs));
    }

    public override Tensor forward(Tensor input) // [B, C, H, W] -> [B, C', H / stride, W / stride]
    {
        long outputs = _weight.size(0), lacking = (ChannelBlock - (outputs % ChannelBlock)) % ChannelBlock;
        if (lacking == 0)
            return conv2d(input, _weight, _bias, _strides, _padding);
        // Where output channels are no multiple of 16, the gradient of the input that libtorch 2.10 gives on the CPU is now and then no
        // number (seen with 1 to 12 channels, never with 16, 24 or 32). So blocks are filled with channels of zeros, which are dropped.
        using DisposeScope scope = NewDisposeScope();
        Tensor weight = cat([_weight, zeros([lacking, .. _weight.shape[1..]], _weight.dtype, _weight.device)]);
        Tensor bias = cat([_bias, zeros([lacking], _bias.dtype, _bias.device)]);
        return conv2d(input, weight, bias, _strides, _padding).narrow(1, 0, outputs).contiguous().MoveToOuterDisposeScope();
    }
}

/// <summary>Group normalization: arXiv:1803.08494.</summary>
internal sealed class GroupNormalization : nn.Module<Tensor, Tensor>
{
    private const double Epsilon = 1e-5;

    private readonly int _groups;
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    [ComponentName(Name = "bias")] private readonly Parameter _bias;

    public GroupNormalization(WeightPath at, int groups, long channels) : base(at.Name)
    {
        _groups = groups;
        register_parameter("weight", _weight = at.Take("weight", Initializer.Ones, channels));
        register_parameter("bias", _bias = at.Take("bias", Initializer.Zeros, channels));
    }

    public override Tensor forward(Tensor input) => // [B, C, ...] -> [B, C, ...]
        group_norm(input, _groups, _weight, _bias, Epsilon);
}

/// <summary>Two convolutions beside a shortcut, told how noisy the image is and what it is to show.</summary>
internal sealed class ResidualBlock : nn.Module<Tensor, Tensor, Tensor>
{
    private readonly GroupNormalization _norm1, _norm2;
    private readonly Convolution _conv1, _conv2;
    private readonly LinearLayer _embedding;
    private readonly Convolution? _shortcut;

    public ResidualBlock(WeightPath at, long inputs, long outputs, long embedding, int groups) : base(at.Name)
    {
        _norm1 = new GroupNormalization(at.At("norm1"), groups, inputs);
        _conv1 = new Convolution(at.At("conv1"), inputs, outputs);
        _embedding = UNet.Linear(at.At("time_emb_proj"), embedding, outputs);
        _norm2 = new GroupNormalization(at.At("norm2"), groups, outputs);
        _conv2 = new Convolution(at.At("conv2"), outputs, outputs, isSilent: true);
        this.Own(_norm1, _conv1, _embedding, _norm2, _conv2);
        if (inputs != outputs)
            this.Own(_shortcut = new Convolution(at.At("conv_shortcut"), inputs, outputs, kernel: 1));
    }

    public override Tensor forward(Tensor x, Tensor embedding) // [B, C, H, W], [B, E] -> [B, C', H, W]
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor told = _embedding.Forward(silu(embedding)).unsqueeze(-1).unsqueeze(-1); // [B, C', 1, 1]
        Tensor hidden = _conv1.forward(silu(_norm1.forward(x))).Plus(told);
        hidden = _conv2.forward(silu(_norm2.forward(hidden)));
        return (_shortcut is null ? x : _shortcut.forward(x)).Plus(hidden).MoveToOuterDisposeScope();
    }
}

/// <summary>Every pixel looks at every other one.</summary>
internal sealed class PixelAttention : nn.Module<Tensor, Tensor>
{
    private readonly int _heads;
    private readonly GroupNormalization _norm;
    private readonly LinearLayer _query, _key, _value, _output;

    public PixelAttention(WeightPath at, long channels, int heads, int groups) : base(at.Name)
    {
        _heads = heads;
        _norm = new GroupNormalization(at.At("group_norm"), groups, channels);
        _query = UNet.Linear(at.At("to_q"), channels, channels);
        _key = UNet.Linear(at.At("to_k"), channels, channels);
        _value = UNet.Linear(at.At("to_v"), channels, channels);
        _output = UNet.Linear(at.At("to_out.0"), channels, channels, isSilent: true);
        this.Own(_norm, _query, _key, _value);
        this.Own("to_out.0", _output);
    }

    public override Tensor forward(Tensor x) // [B, C, H, W] -> [B, C, H, W]
    {
        using DisposeScope scope = NewDisposeScope();
        long rows = x.size(0), channels = x.size(1), pixels = x.size(2) * x.size(3);
        Tensor flat = _norm.forward(x).view(rows, channels, pixels).transpose(1, 2).reshape(-1, channels); // [B·P, C]
        Tensor split(LinearLayer layer) =>
            layer.Forward(flat).view(rows, pixels, _heads, channels / _heads).transpose(1, 2);             // [B, heads, P, D]
        Tensor seen = Functional.ScaledDotProductAttention(split(_query), split(_key), split(_value));
        Tensor joined = _output.Forward(seen.transpose(1, 2).reshape(-1, channels));                       // [B·P, C]
        return x.Plus(joined.view(rows, pixels, channels).transpose(1, 2).reshape(x.shape)).MoveToOuterDisposeScope();
    }
}
