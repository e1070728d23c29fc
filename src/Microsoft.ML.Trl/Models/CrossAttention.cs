using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Attention of a decoder's tokens to what an encoder says about the prompt: arXiv:1706.03762, section 3.2.3.</summary>
internal sealed class CrossAttention : nn.Module
{
    private readonly AttentionShape _shape;
    private readonly SoftmaxAttention _softmax;
    private readonly ILinear _queries, _keys, _values, _output;

    public CrossAttention(string name, AttentionShape shape, ILinear queries, ILinear keys, ILinear values, ILinear output) : base(name)
    {
        (_shape, _queries, _keys, _values, _output) = (shape, queries, keys, values, output);
        _softmax = new SoftmaxAttention(shape);
        this.Own(queries.Module, keys.Module, values.Module, output.Module);
    }

    /// <summary>Drops attention weights during training.</summary>
    public Dropout Dropout
    {
        get => _softmax.Dropout;
        set => _softmax.Dropout = value;
    }

    /// <param name="x">[B·T, H].</param>
    /// <param name="pattern">Holds the encoded prompts.</param>
    /// <param name="rows">[N] the rows that anybody asks for; null = all.</param>
    /// <returns>[B·T, H], or [N, H] where rows were given. The caller owns it.</returns>
    public Tensor Forward(Tensor x, AttentionPattern pattern, Tensor? rows)
    {
        using var scope = NewDisposeScope();
        EncodedPrompts prompts = pattern.Prompts!;
        Tensor queries = Heads(_queries.Forward(x), pattern.Batch);
        (Tensor keys, Tensor values) = prompts.Projected(_shape.Layer, states =>
        {
            Tensor flat = states.flatten(0, 1); // [B·S, H]
            return (Heads(_keys.Forward(flat), pattern.Batch), Heads(_values.Forward(flat), pattern.Batch));
        });
        Tensor mixed = _softmax.Mix(queries, keys, values, pattern.PromptMask, isCausal: false, training);
        return _output.Forward(rows is null ? mixed : mixed.index_select(0, rows)).MoveToOuterDisposeScope();
    }

    private Tensor Heads(Tensor part, long batch) => // [B·T, h·d] -> [B, h, T, d]
        part.view(batch, -1, _shape.Heads, _shape.HeadSize).transpose(1, 2);
}
