using Microsoft.ML.Trl.Models;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>A linear layer with quantized weights.</summary>
internal sealed class QuantizedLinear : LinearModule, IQuantizedWeight
{
    [ComponentName(Name = "bias")] private readonly Parameter? _bias;
    private readonly QuantizedMatrix _matrix;

    /// <param name="name">Its name in the checkpoint.</param>
    /// <param name="matrix">[outputs, inputs]; owned from here on.</param>
    /// <param name="bias">[outputs], owned from here on; or null.</param>
    /// <param name="layout">How the weight lies in a checkpoint.</param>
    public QuantizedLinear(string name, QuantizedMatrix matrix, Parameter? bias, WeightLayout layout)
        : base(name, layout)
    {
        _matrix = matrix;
        if (bias is not null)
            register_parameter("bias", _bias = bias);
    }

    public override Tensor Weight => _matrix.Rows(null);

    public override (long Outputs, long Inputs, ScalarType Type) Shape => (_matrix.Outputs, _matrix.Inputs, _matrix.Type);

    public override Parameter? Bias => _bias;

    public QuantizedMatrix Matrix => _matrix;

    public Tensor Widen()
    {
        if (Layout == WeightLayout.OutputsByInputs)
            return Weight;
        using Tensor rows = Weight;
        return rows.t().contiguous();
    }

    public override Tensor Product(Tensor x) => _matrix.Product(x, _bias);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _matrix.Dispose();
        base.Dispose(disposing);
    }
}
