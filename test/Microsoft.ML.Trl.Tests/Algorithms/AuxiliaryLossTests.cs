using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>The load-balancing loss of models with experts: by hand, its gradient by differences, its place in the losses.</summary>
[TestClass]
public sealed class AuxiliaryLossTests
{
    private static readonly int[][] Texts = [[3, 4, 5, 6, 7, 8], [20, 21, 22], [9, 10, 11, 12]];

    private static readonly PreferenceExample[] Pairs =
        [new([3, 4, 5], [7, 8, 9], [10, 11, 12, 13]), new([20, 21], [22, 23, 24, 25], [26, 27])];

    [TestMethod]
    public void The_loss_of_two_layers_is_the_one_worked_by_hand()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        // two rows of two tokens, the last of them padding: three real tokens, three experts, two per token
        RouterLoad load = new(zeros(2, 2, ScalarType.Int64), [2, 1]);
        load.Add(Probabilities([.5f, .3f, .2f], [.1f, .6f, .3f], [.2f, .2f, .6f], [0, 0, 1]), Chosen([0, 1], [1, 2], [2, 0], [2, 2]));
        load.Add(Probabilities([.7f, .2f, .1f], [.4f, .1f, .5f], [.3f, .4f, .3f], [0, 0, 1]), Chosen([0, 1], [2, 0], [1, 0], [2, 2]));
        // six choices: expert 0 has 5 of them, 1 has 4, 2 has 3; their probabilities add up to 2.2, 1.8 and 2.0
        Close.Absolute(3 * (((5 * 2.2) + (4 * 1.8) + (3 * 2.0)) / 36), load.Loss().item<float>(), 1e-6, "load-balancing loss");
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void The_loss_of_a_pass_is_that_of_its_texts_one_by_one(string name)
    {
        using CausalLanguageModel model = MadeModels.Create(name);
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        double[] chosen = new double[model.Config.Experts!.Count], probabilities = new double[chosen.Length];
        long tokens = 0;
        foreach (int[] text in Texts) // without padding, and with the routing worked out from the layers' own inputs
        {
            foreach ((Tensor logits, int perToken) in Routers(model, text))
                foreach (float[] token in logits.data<float>().ToArray().Chunk(chosen.Length))
                {
                    double sum = token.Sum(logit => Math.Exp(logit));
                    foreach (int expert in Enumerable.Range(0, token.Length).OrderByDescending(expert => token[expert]).Take(perToken))
                        chosen[expert]++;
                    for (int expert = 0; expert < token.Length; expert++)
                        probabilities[expert] += Math.Exp(token[expert]) / sum;
                    tokens++;
                }
        }
        double expected = chosen.Length * chosen.Zip(probabilities, (f, p) => f * p).Sum() / ((double)tokens * tokens);
        using TokenBatch batch = TokenBatch.Create(Texts, [0, 0, 0]);
        RouterLoad load = new(batch.Ids, batch.Lengths);
        Tensor states = model.HiddenAt(batch, load);
        Close.Relative(expected, load.Loss().item<float>(), 1e-5, $"{name} load-balancing loss");
        Close.Absolute(model.HiddenAt(batch.Ids, batch.TargetRows), states, 2e-6, $"{name} states");
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void The_gradient_of_the_routers_is_that_of_finite_differences(string name)
    {
        using CausalLanguageModel narrow = MadeModels.Create(name);
        using CausalLanguageModel model = new(narrow.Config, new CopiedWeights([.. narrow.Weights()], type: ScalarType.Float64));
        using var scope = NewDisposeScope();
        using TokenBatch batch = TokenBatch.Create(Texts, [0, 0, 0]);
        Tensor Loss()
        {
            RouterLoad load = new(batch.Ids, batch.Lengths);
            model.HiddenAt(batch, load);
            return load.Loss();
        }
        Loss().backward();
        using var noGrad = no_grad();
        foreach ((string weight, Tensor value) in model.Weights())
        {
            if (!weight.EndsWith(".gate.weight", StringComparison.Ordinal))
                continue;
            const double Step = 1e-6;
            Tensor direction = randn_like(value);
            value.add_(direction, Step);
            double above = Loss().item<double>();
            value.sub_(direction * (2 * Step));
            double below = Loss().item<double>();
            value.add_(direction, Step);
            Close.Absolute((above - below) / (2 * Step), (value.grad! * direction).sum().item<double>(), 1e-6, $"{name} {weight}");
        }
    }

    [TestMethod]
    public void Supervised_fine_tuning_adds_it_with_the_weight_of_the_options()
    {
        Dictionary<string, double> without = Sft(new() { RouterAuxLossCoef = 0 }), with = Sft(new() { RouterAuxLossCoef = 0.5 });
        Assert.IsFalse(without.ContainsKey("aux_loss"));
        Close.Absolute(without["loss"] + (0.5 * with["aux_loss"]), with["loss"], 1e-5, "SFT loss with aux_loss");
        Close.Above(1e-3, Math.Abs(without["grad_norm"] - with["grad_norm"]));
        Close.Absolute(without["loss"] + (0.001 * with["aux_loss"]), Sft(new())["loss"], 1e-5, "SFT loss by TRL's default");
        Close.Absolute(without["loss"], Sft(new() { RouterAuxLossCoef = null })["loss"], 0, "SFT loss of a configuration without");
        const string Told = "\"output_router_logits\": true, \"router_aux_loss_coef\": 0.25";
        double told = Sft(new() { RouterAuxLossCoef = null }, Told)["loss"];
        Close.Absolute(without["loss"] + (0.25 * with["aux_loss"]), told, 1e-5, "SFT loss of a configuration with it");
    }

    [TestMethod]
    public void Direct_preference_optimisation_adds_it_with_the_weight_of_the_options()
    {
        Dictionary<string, double> Step(DpoOptions options)
        {
            using CausalLanguageModel model = MadeModels.Create("mixtral");
            return new Dictionary<string, double>(Loops.Dpo(
                model, null!, options with { MaxSteps = 1, PerDeviceTrainBatchSize = 1, GradientAccumulationSteps = 2 }, Pairs)[0].Metrics);
        }
        Dictionary<string, double> with = Step(new() { RouterAuxLossCoef = 0.5 });
        Close.Absolute(Math.Log(2), Step(new() { RouterAuxLossCoef = 0 })["loss"], 1e-5, "DPO loss without aux_loss");
        Close.Above(1.9, with["aux_loss"]); // even loads give k = 2, its least but for chance
        Close.Absolute(Math.Log(2) + (0.5 * with["aux_loss"]), with["loss"], 1e-5, "DPO loss with aux_loss"); // the mean of both pairs
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void A_model_in_bfloat16_is_trained_too(string name)
    {
        using CausalLanguageModel wide = MadeModels.Create(name), model = wide.Copy(type: ScalarType.BFloat16);
        List<TokenExample> texts = [.. Texts.Select(text => new TokenExample(text, 1))];
        SftOptions options = new() { MaxSteps = 2, LoggingSteps = 1, PerDeviceTrainBatchSize = 3, LearningRate = 1e-3 };
        IReadOnlyDictionary<string, double> expected = Loops.Sft(wide, options, texts)[0].Metrics;
        List<StepReport> reports = Loops.Sft(model, options, texts);
        Close.Relative(expected["loss"], reports[0].Metrics["loss"], 0.1, $"{name} loss in bfloat16"); // a token may go to another expert
        Close.Relative(expected["aux_loss"], reports[0].Metrics["aux_loss"], 0.1, $"{name} aux_loss in bfloat16");
        Close.Below(reports[0].Metrics["loss"], reports[1].Metrics["loss"], name);
        Assert.AreEqual(ScalarType.BFloat16, model.Type);
    }

    [TestMethod]
    public void A_step_leaves_no_tensor_behind()
    {
        using CausalLanguageModel model = MadeModels.Create("qwen2_moe");
        Leaks.None(() =>
        {
            using var scope = NewDisposeScope();
            using TokenBatch batch = TokenBatch.Create(Texts, [0, 0, 0]);
            RouterLoad load = new(batch.Ids, batch.Lengths);
            Tensor states = model.HiddenAt(batch, load);
            (states.sum() + load.Loss()).backward();
            model.zero_grad();
        });
    }

    private static IEnumerable<object[]> Families => MadeModels.All.Where(name => MadeModels.Config((string)name[0]).Experts is not null);

    private static Dictionary<string, double> Sft(SftOptions options, string config = "")
    {
        using CausalLanguageModel model = MadeModels.Create("mixtral", config);
        List<StepReport> reports = Loops.Sft(
            model, options with { MaxSteps = 1, PerDeviceTrainBatchSize = 3 }, [.. Texts.Select(text => new TokenExample(text, 1))]);
        return new Dictionary<string, double>(reports[0].Metrics);
    }

    /// <summary>The logits of all routers, from what a text's tokens are when they reach them.</summary>
    private static IEnumerable<(Tensor Logits, int PerToken)> Routers(CausalLanguageModel model, int[] text)
    {
        Dictionary<string, Tensor> weights = model.Weights().ToDictionary(weight => weight.Name, weight => weight.Value);
        ExpertSettings experts = model.Config.Experts!;
        for (int layer = 0; layer < model.Config.LayerCount; layer++)
        {
            if (!experts.IsSparse(layer))
                continue;
            // a model cut off behind this layer's attention: its feed-forward layers give nothing
            string place = $"model.layers.{layer}.";
            bool IsSilent(string name) => name.StartsWith(place + experts.Names.Layer, StringComparison.Ordinal)
                && (name.Contains("w2.", StringComparison.Ordinal) || name.Contains("down_proj.", StringComparison.Ordinal));
            ModelConfig config = model.Config with
            {
                LayerCount = layer + 1,
                WindowedLayers = [.. model.Config.WindowedLayers.Take(layer + 1)],
            };
            using CausalLanguageModel part = new(
                config,
                new CopiedWeights(weights.Select(weight => (weight.Key,
                    IsSilent(weight.Key) ? zeros_like(weight.Value)
                    : weight.Key == "model.norm.weight" ? weights[place + "post_attention_layernorm.weight"] : weight.Value))));
            part.eval();
            Tensor states = part.Hidden(tensor([.. text.Select(id => (long)id)]).view(1, -1))[0];
            yield return (states.matmul(weights[$"{place}{experts.Names.Layer}.gate.weight"].t()), experts.PerToken);
        }
    }

    private static Tensor Probabilities(params float[][] rows) => stack([.. rows.Select(row => tensor(row))]);

    private static Tensor Chosen(params long[][] rows) => stack([.. rows.Select(row => tensor(row))]);
}
