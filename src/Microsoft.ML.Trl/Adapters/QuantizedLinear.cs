using Microsoft.ML.Trl.Models;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>A linear layer with quantized weights.</summary>
internal sealed class QuantizedLinear : nn.Module<Tensor, Tensor>, ILinear, IQuantizedWeight
{
    [ComponentName(Name = "bias")] private readonly Parameter? _bias;
    private readonly QuantizedMatrix _matrix;
    private readonly WeightLayout _layout;

    /// <param name="name">Its name in the checkpoint.</param>
    /// <param name="matrix">[outputs, inputs]; owned from here on.</param>
    /// <param name="bias">[outputs], owned from here on; or null.</param>
    /// <param name="layout">How the weight lies in a checkpoint.</param>
    public QuantizedLinear(string name, QuantizedMatrix matrix, Parameter? bias, WeightLayout layout) : base(name)
    {
        (_matrix, _layout) = (matrix, layout);
        if (bias is not null)
            register_parameter("bias", _bias = bias);
    }

    public nn.Module Module => this;

    public Tensor Weight => _matrix.Rows(null);

    public Parameter? Bias => _bias;

    public long WeightCount => _matrix.Outputs * _matrix.Inputs;

    public Tensor Widen()
    {
        if (_layout == WeightLayout.OutputsByInputs)
            return Weight;
        using Tensor rows = Weight;
        return rows.t().contiguous();
    }

    public Tensor Forward(Tensor x) => _matrix.Product(x, _bias);

    public override Tensor forward(Tensor input) => Forward(input);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _matrix.Dispose();
        base.Dispose(disposing);
    }
}
