using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>T5 version 1.1 written out with plain operators, one text at a time, in double precision; buckets by their formula.</summary>
internal sealed class PlainT5(IReadOnlyDictionary<string, Tensor> weights, int layers, int heads, double epsilon)
{
    /// <summary>[T, V] logits of an answer behind the start token.</summary>
    public Tensor Logits(long[] prompt, long[] answer)
    {
        Tensor encoded = Stack("encoder", prompt, null);
        return Product(Stack("decoder", answer, encoded), "lm_head");
    }

    private Tensor Stack(string name, long[] ids, Tensor? encoded)
    {
        Tensor x = weights["shared.weight"][tensor(ids)]; // [T, H]
        Tensor bias = Bias(name, ids.Length, isCausal: encoded is not null);
        for (int layer = 0; layer < layers; layer++)
        {
            string part(int number) => $"{name}.block.{layer}.layer.{number}.";
            Tensor normed = Norm(x, part(0) + "layer_norm");
            x += Attend(part(0) + "SelfAttention", normed, normed, bias);
            if (encoded is not null)
                x += Attend(part(1) + "EncDecAttention", Norm(x, part(1) + "layer_norm"), encoded, null);
            string last = part(encoded is null ? 1 : 2);
            Tensor read = Norm(x, last + "layer_norm");
            Tensor gate = Product(read, last + "DenseReluDense.wi_0");
            gate = 0.5 * gate * (1 + (Math.Sqrt(2 / Math.PI) * (gate + (0.044715 * gate.pow(3)))).tanh());
            x += Product(gate * Product(read, last + "DenseReluDense.wi_1"), last + "DenseReluDense.wo");
        }
        return Norm(x, name + ".final_layer_norm");
    }

    private Tensor Attend(string name, Tensor reader, Tensor read, Tensor? bias)
    {
        Tensor[] Split(Tensor from, string kind) => Product(from, $"{name}.{kind}").chunk(heads, -1);
        (Tensor[] queries, Tensor[] keys, Tensor[] values) = (Split(reader, "q"), Split(read, "k"), Split(read, "v"));
        IEnumerable<Tensor> mixed = Enumerable.Range(0, heads).Select(head =>
        {
            Tensor scores = queries[head].mm(keys[head].t()); // not scaled
            return (bias is null ? scores : scores + bias[head]).softmax(-1).mm(values[head]);
        });
        return Product(cat([.. mixed], -1), name + ".o");
    }

    private Tensor Bias(string name, int length, bool isCausal) // [h, T, T]
    {
        Tensor table = weights[name + ".block.0.layer.0.SelfAttention.relative_attention_bias.weight"];
        int count = (int)table.shape[0] / (isCausal ? 1 : 2), near = count / 2;
        var bias = zeros(heads, length, length, ScalarType.Float64);
        for (int query = 0; query < length; query++)
            for (int key = 0; key < length; key++)
            {
                int distance = isCausal ? Math.Max(0, query - key) : Math.Abs(query - key);
                int bucket = distance < near ? distance
                    : Math.Min(count - 1, near + (int)(Math.Log(distance / (double)near) / Math.Log(128.0 / near) * (count - near)));
                bias[TensorIndex.Colon, query, key] = table[bucket + (!isCausal && key > query ? count : 0)];
                if (isCausal && key > query)
                    bias[TensorIndex.Colon, query, key] = double.NegativeInfinity;
            }
        return bias;
    }

    private Tensor Norm(Tensor x, string name) => x / (x.square().mean([-1], keepdim: true) + epsilon).sqrt() * weights[name + ".weight"];

    private Tensor Product(Tensor x, string name) => x.mm(weights[name + ".weight"].t());
}
