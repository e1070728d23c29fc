using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

/// <summary>The completions that TRL v1.9.0 computed its losses of GRPO and RLOO on, with their logits.</summary>
internal sealed class GroupFixture
{
    /// <param name="tensors">Of losses/grpo_v190 or rloo_v190.</param>
    /// <param name="temperature">By which the logits are divided.</param>
    /// <param name="masked">Whether tokens of tools are left out.</param>
    public GroupFixture(FixtureTensors tensors, double temperature, bool masked = false)
    {
        int[][] completions = tensors.Rows("completion_ids"), real = tensors.Rows("completion_mask");
        int[][]? tools = masked ? tensors.Rows("tool_mask") : null;
        int prompt = tensors.Rows("prompt_ids")[0].Length, width = completions[0].Length;
        (int Row, int At)[] tokens =
        [
            .. Enumerable.Range(0, completions.Length).SelectMany(row => Enumerable.Range(0, width)
                .Where(at => real[row][at] == 1 && (tools is null || tools[row][at] == 1)).Select(at => (row, at))),
        ];
        Logits = tensors["logits"].requires_grad_();
        Tensor used = Logits.narrow(1, prompt - 1, width).flatten(0, 1)
            .index_select(0, tensor([.. tokens.Select(token => (long)((token.Row * width) + token.At))])) / temperature;
        LogProbs = Trl.Numerics.LogProbs.OfLogits(used, tensor([.. tokens.Select(token => (long)completions[token.Row][token.At])]));
        Tensor logs = used.log_softmax(-1);
        Entropy = (logs.exp() * logs).sum(-1).neg();
        Tensor rows = tensor([.. tokens.Select(token => (long)token.Row)]), places = tensor([.. tokens.Select(token => (long)token.At)]);
        Pick = grid => grid[rows, places];
        Tokens = new GroupTokens(completions.Length, rows, tensors["advantages"]);
    }

    /// <summary>[6, 12, 24], with gradient.</summary>
    public Tensor Logits { get; }

    /// <summary>[n]</summary>
    public Tensor LogProbs { get; }

    /// <summary>[n]</summary>
    public Tensor Entropy { get; }

    /// <summary>From a grid [6, 8] to its tokens [n].</summary>
    public Func<Tensor, Tensor> Pick { get; }

    /// <summary>Rows and advantages.</summary>
    public GroupTokens Tokens { get; }

    /// <summary>Compares loss, metrics and the gradient with respect to the logits.</summary>
    public void Compare(
        JsonElement test, FixtureTensors tensors, string file, (Tensor Loss, Dictionary<string, float> Metrics) ours)
    {
        string name = test.GetProperty("name").GetString()!;
        Close.Absolute(test.GetProperty("loss").GetDouble(), ours.Loss.item<float>(), 1e-4, $"{file} {name} loss");
        Close.Metrics(
            test.GetProperty("metrics").EnumerateObject().ToDictionary(metric => metric.Name, metric => metric.Value.GetDouble()),
            ours.Metrics.ToDictionary(metric => metric.Key, metric => (double)metric.Value), (_, _) => 1e-4, $"{file} {name}");
        ours.Loss.backward();
        Close.Relative(tensors[name + ".grad"], Logits.grad!, 1e-5, $"{file} {name} gradient");
    }
}
