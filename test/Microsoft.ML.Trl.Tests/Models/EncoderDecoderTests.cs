using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>What must hold for every encoder-decoder, on random weights. Tolerance 1e-5 absolute on hidden states of size 1.</summary>
[TestClass]
public sealed class EncoderDecoderTests
{
    private const double Tolerance = 1e-5;

    private static readonly int[] Prompt = [5, 9, 3, 17, 2, 8, 11, 4, 1];
    private static readonly long[] Answer = [0, 21, 22, 23, 24, 25];

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void An_answer_read_in_pieces_through_the_cache_is_the_answer_read_at_once(bool isVersion11)
    {
        using CausalLanguageModel model = TinyT5.Network(isVersion11);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using EncodedPrompts prompts = Encode(model, Prompt, [7, 8, 1]);
        Tensor ids = cat([Ids(Answer), Ids([0, 31, 32, 33, 34, 35])]);
        Tensor whole = model.Hidden(ids, prompts: prompts);
        using KeyValueCache cache = new(model.Body, 2, 6);
        int read = 0;
        foreach (int count in new[] { 2, 1, 2, 1 })
        {
            Near(whole.narrow(1, read, count), model.Hidden(ids.narrow(1, read, count), null, cache, prompts));
            read += count;
        }
    }

    [TestMethod]
    public void Padding_of_prompts_and_answers_changes_nothing()
    {
        using CausalLanguageModel model = TinyT5.Network();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using EncodedPrompts alone = Encode(model, [7, 8, 1]);
        using EncodedPrompts padded = Encode(model, Prompt, [7, 8, 1]);
        Tensor expected = model.Hidden(Ids(Answer), prompts: alone);
        Tensor both = model.Hidden(Ids([.. Answer, 9, 9]).expand(2, 8), prompts: padded);
        Near(expected[0], both[1].narrow(0, 0, 6));
        Close.Above(0.01, (both[0] - both[1]).abs().max().item<float>(), "another prompt gives another state");
    }

    [TestMethod]
    public void States_at_some_positions_are_rows_of_all_states_with_the_same_gradient()
    {
        using CausalLanguageModel model = TinyT5.Network();
        using var scope = NewDisposeScope();
        using TokenBatch batch = model.Batch([new([.. Prompt, 21, 22, 23], 9), new([7, 8, 1, 31, 32], 3)]);
        CollectionAssert.AreEqual(new long[] { 0, 1, 2, 4, 5 }, batch.TargetRows.data<long>().ToArray());
        CollectionAssert.AreEqual(new long[] { 21, 22, 23, 31, 32 }, batch.Labels.data<long>().ToArray());
        CollectionAssert.AreEqual(new long[] { 0, 21, 22, 23, 0, 31, 32, 0 }, batch.Ids.data<long>().ToArray());
        Assert.AreEqual(19, batch.Tokens); // 9 + 3 of the prompts, and the rows of the decoder
        using EncodedPrompts prompts = Encode(model, Prompt, [7, 8, 1]);
        Tensor all = batch.Select(model.Hidden(batch.Ids, prompts: prompts));
        all.square().sum().backward();
        Dictionary<string, float[]> expected = Gradients(model);
        model.zero_grad();
        Tensor some = model.HiddenAt(batch);
        some.square().sum().backward();
        Near(all, some);
        foreach ((string name, float[] gradient) in Gradients(model))
            Close.Absolute(expected[name], gradient, 1e-3 * Math.Max(1, expected[name].Max(Math.Abs)), name);
    }

    /// <summary>Of version 1.1 there are no numbers of transformers here; the formulas written out stand for them.</summary>
    [TestMethod]
    public void Version_11_is_what_its_formulas_say()
    {
        using CausalLanguageModel model = TinyT5.Network(isVersion11: true);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> weights = model.Weights().ToDictionary(
            weight => weight.Name, weight => weight.Value.detach().to_type(ScalarType.Float64));
        int[] prompt = [.. Enumerable.Range(0, 40).Select(i => (i * 7) % 50)]; // long enough for shared buckets
        Tensor expected = new PlainT5(weights, 2, 2, 1e-6).Logits(Array.ConvertAll(prompt, id => (long)id), Answer);
        using EncodedPrompts prompts = Encode(model, prompt);
        Close.Absolute(expected, model.Logits(model.Hidden(Ids(Answer), prompts: prompts))[0], 1e-4 * expected.abs().max().item<double>());
    }

    /// <summary>Along a random direction of each weight, in double precision; relative tolerance 1e-5.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Gradients_are_finite_differences(bool isVersion11)
    {
        using CausalLanguageModel single = TinyT5.Network(isVersion11);
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = new(single.Config, new CopiedWeights(single.Weights(), type: ScalarType.Float64));
        using var random = new Generator(5);
        Tensor labels = tensor(new long[] { 21, 22, 23, 24, 25, 1 });
        Tensor Loss()
        {
            using EncodedPrompts prompts = Encode(model, Prompt);
            return -model.Logits(model.Hidden(Ids(Answer), prompts: prompts))[0].log_softmax(-1).gather(-1, labels.unsqueeze(-1)).mean();
        }
        Loss().backward();
        foreach ((string name, Tensor weight) in model.Weights())
        {
            using var inner = NewDisposeScope();
            Tensor direction = randn(weight.shape, ScalarType.Float64, generator: random);
            double slope = (weight.grad! * direction).sum().item<double>();
            using var noGrad = no_grad();
            const double step = 1e-5;
            weight.add_(direction, step);
            double above = Loss().item<double>();
            weight.add_(direction, -2 * step);
            double below = Loss().item<double>();
            weight.add_(direction, step);
            Close.Absolute((above - below) / (2 * step), slope, 1e-5 * Math.Max(0.01, Math.Abs(slope)), name);
        }
    }

    /// <summary>The one node from states to log-probabilities scales tied states as the logits do. Relative tolerance 1e-4.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void The_head_of_training_is_that_of_the_logits(bool isVersion11)
    {
        using CausalLanguageModel model = TinyT5.Network(isVersion11);
        Assert.AreEqual(isVersion11 ? 1 : 0.25, model.Head.Scale, 1e-12); // the root of 16 wide
        using var scope = NewDisposeScope();
        using TokenBatch batch = model.Batch([new([.. Prompt, 21, 22, 23], 9)]);
        Tensor expected = LogProbs.OfLogits(model.Logits(model.HiddenAt(batch)), batch.Labels);
        expected.sum().backward();
        Dictionary<string, float[]> gradients = Gradients(model);
        model.zero_grad();
        Tensor actual = LogProbs.OfHidden(model.HiddenAt(batch), model.Head, batch.Labels);
        actual.sum().backward();
        Near(expected, actual);
        foreach ((string name, float[] gradient) in Gradients(model))
            Close.Absolute(gradients[name], gradient, 1e-4 * Math.Max(0.1, gradients[name].Max(Math.Abs)), name);
        using var noGrad = no_grad();
        Tensor states = model.HiddenAt(batch);
        Near(model.Logits(states).mean([-1]), AnswerPass.MeanLogits(states, model.Head));
        Near(zeros(3), KlEstimators.Full(states, model.Head, states, model.Head));
    }

    [TestMethod]
    public void A_step_forward_and_back_leaves_no_tensor_behind()
    {
        using CausalLanguageModel model = TinyT5.Network(dropout: 0.1);
        using Generator random = new(1);
        model.SetDropout(random);
        model.train();
        Leaks.None(() =>
        {
            using var scope = NewDisposeScope();
            using TokenBatch batch = model.Batch([new([.. Prompt, 21, 22, 23], 9), new([7, 8, 1, 31, 32], 3)]);
            LogProbs.OfHidden(model.HiddenAt(batch), model.Head, batch.Labels).sum().backward();
            model.zero_grad();
        });
    }

    [TestMethod]
    public void Dropout_follows_its_generator_in_both_stacks_and_only_during_training()
    {
        using CausalLanguageModel model = TinyT5.Network(dropout: 0.2);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using Generator random = new(1);
        using EncodedPrompts calmPrompts = Encode(model, Prompt);
        Tensor calm = model.Hidden(Ids(Answer), prompts: calmPrompts);
        model.SetDropout(random);
        (Tensor, Tensor) Dropped(long seed)
        {
            random.manual_seed(seed);
            using EncodedPrompts prompts = Encode(model, Prompt);
            return (prompts.States.clone(), model.Hidden(Ids(Answer), prompts: calmPrompts));
        }
        Near(calm, Dropped(5).Item2);
        model.train();
        ((Tensor encoded, Tensor decoded), (Tensor encodedAgain, Tensor decodedAgain)) = (Dropped(5), Dropped(5));
        Close.Absolute(encoded, encodedAgain, 0);
        Close.Absolute(decoded, decodedAgain, 0);
        Close.Above(0.1, (encoded - calmPrompts.States).abs().max().item<float>());
        Close.Above(0.1, (decoded - calm).abs().max().item<float>());
        // the last dropout stands behind the final norm: one in five of its entries is 0, where a norm alone gives none
        double zeros = decoded.eq(0).to_type(ScalarType.Float32).mean().item<float>();
        Assert.IsTrue(zeros is > 0.1 and < 0.3, $"{zeros:P0} of the states are 0");
    }

    /// <summary>By hand: 8 near distances of their own in each direction, then logarithmic steps up to 128.</summary>
    [TestMethod]
    [DataRow(true, 0, 0)]
    [DataRow(true, -1, 1)]
    [DataRow(true, -7, 7)]
    [DataRow(true, -8, 8)]
    [DataRow(true, -11, 8)]
    [DataRow(true, -12, 9)]
    [DataRow(true, -127, 15)]
    [DataRow(true, -1000, 15)]
    [DataRow(true, 1, 17)]
    [DataRow(true, 7, 23)]
    [DataRow(true, 50, 29)]
    [DataRow(true, 1000, 31)]
    [DataRow(false, 0, 0)]
    [DataRow(false, 5, 0)]
    [DataRow(false, -15, 15)]
    [DataRow(false, -18, 16)]
    [DataRow(false, -19, 17)]
    [DataRow(false, -127, 31)]
    [DataRow(false, -1000, 31)]
    public void Distances_fall_into_the_buckets_of_the_paper(bool seesAhead, long distance, long bucket)
    {
        using var scope = NewDisposeScope();
        using RandomWeights weights = new(1);
        using RelativeBias bias = new(new WeightPath(weights, "bias"), 32, 2, Initializer.Zeros);
        using RelativePositions positions = new(() => bias.Weight, 128, seesAhead);
        Assert.AreEqual(bucket, positions.Buckets(tensor(new[] { distance })).item<long>());
    }

    private static EncodedPrompts Encode(CausalLanguageModel model, params int[][] prompts)
    {
        using var scope = NewDisposeScope();
        PromptBatch batch = PromptBatch.Create(prompts, null);
        return model.Encode(batch.Ids, batch.Mask);
    }

    private static Dictionary<string, float[]> Gradients(CausalLanguageModel model) =>
        model.Weights().ToDictionary(weight => weight.Name, weight => weight.Value.grad!.data<float>().ToArray());

    private static Tensor Ids(long[] ids) => tensor(ids).view(1, -1);

    private static void Near(Tensor expected, Tensor actual) => Close.Absolute(expected, actual, Tolerance);
}
