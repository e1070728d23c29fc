using System.Text.RegularExpressions;
using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training.Optimizers;

[TestClass]
public sealed partial class ParameterRatesTests
{
    private static readonly SftOptions Layered = new() { LayerwiseLearningRateDecay = 0.5 };

    [TestMethod]
    public void Blocks_learn_the_more_slowly_the_lower_they_are()
    {
        using CausalLanguageModel model = Toys.Gpt2(); // two blocks, head and embedding tied
        using ValueHead head = ValueHead.Create(16, 1);
        Dictionary<string, double> rates = Rates(model, Layered, head);
        Assert.HasCount(2 + 12 + 12 + 2 + 2, rates);
        foreach ((string name, double rate) in rates)
            Assert.AreEqual(
                name.Contains(".wte.", StringComparison.Ordinal) || name.Contains(".wpe.", StringComparison.Ordinal) ? 0.25
                    : name.Contains(".h.0.", StringComparison.Ordinal) ? 0.5 : 1, rate, name);
    }

    [TestMethod]
    public void Both_stacks_of_an_encoder_decoder_count_by_themselves()
    {
        using CausalLanguageModel model = MadeModels.Load("t5");
        Dictionary<string, double> rates = Rates(model, Layered);
        int last = model.Config.LayerCount - 1;
        Assert.AreEqual(Math.Pow(0.5, last + 1), rates["shared.weight"]);
        foreach (string stack in new[] { "encoder", "decoder" })
        {
            Assert.AreEqual(1, rates[$"{stack}.block.{last}.layer.0.SelfAttention.q.weight"]);
            Assert.AreEqual(Math.Pow(0.5, last), rates[$"{stack}.block.0.layer.0.SelfAttention.q.weight"]);
            Assert.AreEqual(1, rates[$"{stack}.final_layer_norm.weight"]);
        }
    }

    [TestMethod]
    public void Patterns_mean_the_ends_of_paths_of_weights_and_modules_and_the_first_counts()
    {
        using CausalLanguageModel model = Toys.Gpt2();
        using ValueHead head = ValueHead.Create(16, 1);
        SftOptions options = Layered with
        {
            LearningRateMultipliers = new Dictionary<string, double>
            {
                [@"h\.1\.attn"] = 3, ["bias"] = 2, ["v_head"] = 10, [@"ln_\d"] = 0,
            },
        };
        Dictionary<string, double> rates = Rates(model, options, head);
        Assert.AreEqual(3, rates["transformer.h.1.attn.c_attn.weight"]);
        Assert.AreEqual(3, rates["transformer.h.1.attn.c_attn.bias"]);
        Assert.AreEqual(2, rates["transformer.h.1.ln_2.bias"]);
        Assert.AreEqual(0, rates["transformer.h.1.ln_2.weight"]);
        Assert.AreEqual(0.5 * 2, rates["transformer.h.0.attn.c_attn.bias"]);
        Assert.AreEqual(0.5, rates["transformer.h.0.attn.c_attn.weight"]);
        Assert.AreEqual((10, 2), (rates["v_head.summary.weight"], rates["v_head.summary.bias"]));
    }

    [TestMethod]
    public void A_pattern_that_means_nothing_is_refused_by_every_method()
    {
        var typo = new Dictionary<string, double> { ["atn"] = 2 };
        const string Message = "LearningRateMultipliers has 'atn', which no weight that is trained is called, nor a module that holds one; "
            + "the weights are called ";
        using CausalLanguageModel model = Toys.Gpt2();
        using RewardModel reward = RewardModel.FromPolicy(model, 1);
        PreferenceExample pair = new([1, 2], [3, 4], [5]);
        Refused(() => new SftLoop(model, new() { MaxSteps = 1, LearningRateMultipliers = typo }).Run([new TokenExample([1, 2, 3], 1)]));
        Refused(() => new DpoLoop(model, null, new() { MaxSteps = 1, LearningRateMultipliers = typo }).Run([pair]));
        Refused(() => new RewardLoop(reward, new() { MaxSteps = 1, LearningRateMultipliers = typo }).Run([pair]));
        Refused(() => new PpoSession(model, new() { LearningRateMultipliers = typo }).Dispose());

        static void Refused(Action train) => StringAssert.StartsWith(Assert.ThrowsExactly<ArgumentException>(train).Message, Message);
    }

    [TestMethod]
    public void They_multiply_with_those_of_adapters()
    {
        using CausalLanguageModel model = Toys.Gpt2();
        model.AddAdapter(new LoraOptions { R = 2, LoraplusLrRatio = 16 });
        IReadOnlyList<TrainedParameter> weights = ParameterRates.Of(
            model, [], Layered with { LearningRateMultipliers = new Dictionary<string, double> { [@"h\.1"] = 3 } });
        Assert.HasCount(4, weights);
        CollectionAssert.AreEquivalent(new[] { 0.5, 0.5 * 16, 3, 3 * 16 }, weights.Select(weight => weight.Rate).ToArray());
    }

    [TestMethod]
    public void A_rate_acts_in_a_run()
    {
        using CausalLanguageModel model = Toys.Gpt2();
        using CausalLanguageModel before = model.Copy();
        SftOptions options = new()
        {
            MaxSteps = 1, LearningRate = 0.01, LrSchedulerType = LrSchedulerType.Constant,
            LearningRateMultipliers = new Dictionary<string, double> { [@"h\.0"] = 0, [@"h\.1\.mlp\.c_fc\.weight"] = 0.5 },
        };
        new SftLoop(model, options).Run([new TokenExample([1, 2, 3, 4, 5], 1)]);
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> old = before.Weights().ToDictionary(weight => weight.Name, weight => weight.Value);
        foreach ((string name, Tensor value) in model.Weights())
        {
            double moved = (value - old[name]).abs().max().item<float>(); // the first step of Adam has the size of the rate
            double expected = name.Contains(".h.0.", StringComparison.Ordinal) ? 0
                : name.EndsWith("1.mlp.c_fc.weight", StringComparison.Ordinal) ? 0.005 : 0.01;
            Close.Absolute(expected, moved, 1e-4, name);
        }
    }

    /// <summary>transformers' get_decay_parameter_names: neither norms nor what is called a bias.</summary>
    [TestMethod]
    [DynamicData(nameof(MadeModels.AllWriters), typeof(MadeModels))]
    public void What_decays_is_what_decays_in_the_reference(string name)
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        foreach (TrainedParameter weight in TrainedParameter.Of(model.Everything()))
            Assert.AreEqual(!NormOrBias().IsMatch(weight.Name), weight.Decays, weight.Name);
    }

    private static Dictionary<string, double> Rates(CausalLanguageModel model, SftOptions options, ValueHead? head = null) =>
        ParameterRates.Of(model, head?.Weights() ?? [], options).ToDictionary(weight => weight.Name, weight => weight.Rate);

    // names of layers of the class LayerNorm come first: there the reference goes by class
    [GeneratedRegex(@"\.ln_\w+\.|bias|layernorm|rmsnorm|(?:^|\.)norm(?:$|\.)|_norm(?:$|\.)", RegexOptions.IgnoreCase)]
    private static partial Regex NormOrBias();
}
