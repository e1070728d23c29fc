using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>
/// Which token a reward model scores, against scores that transformers computed for tiny random classifiers; tolerance 1e-4 absolute.
/// A causal model does not look ahead, so the score of a text's last token is also the score of that token with others behind it.
/// </summary>
[TestClass]
public sealed class ScoredTokenTests
{
    private const double Tolerance = 1e-4;
    private const int End = 2; // eos_token_id of the fixtures; it stands in none of their texts

    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [DataRow("gpt2_seqcls1")]
    [DataRow("llama_seqcls1")]
    public void Where_the_pad_token_is_the_end_token_the_token_before_it_is_scored(string name)
    {
        using ModelFixture fixture = new(name);
        using RewardModel model = Load(name, padToken: End);
        using var noGrad = no_grad();
        // c holds texts of 6 and 8 tokens, padded with 0: an end token comes behind each
        Tensor ids = nn.functional.pad(fixture["c.input_ids"], [0, 1]);
        (ids[0, 6], ids[1, 8]) = (End, End);
        Close.Absolute(fixture["c.logits"], model.Score(ids, [7, 9]).unsqueeze(-1), Tolerance, $"{name} c.logits, pad = end");
        // the padding of transformers' own batch is the end token
        ids[0, TensorIndex.Slice(6)] = End;
        CollectionAssert.AreEqual(new[] { 5, 7 }, ClassifierRule.Places(_folder, Rows(ids)));
        Close.Absolute(fixture["c.logits"], model.Score(ids, [9, 9]).unsqueeze(-1), Tolerance, $"{name} c.logits, padded with the end");
    }

    [TestMethod]
    [DataRow("gpt2_seqcls1")]
    [DataRow("llama_seqcls1")]
    public void With_a_pad_token_of_its_own_the_last_other_token_is_scored(string name)
    {
        using ModelFixture fixture = new(name);
        using RewardModel model = Load(name, padToken: 0);
        using var noGrad = no_grad();
        Tensor ids = fixture["c.input_ids"];
        Close.Absolute(fixture["c.logits"], model.Score(ids, [8, 8]).unsqueeze(-1), Tolerance, $"{name} c.logits, pad counted as real");
        Close.Absolute(fixture["c.logits"], model.Score(ids, [6, 8]).unsqueeze(-1), Tolerance, $"{name} c.logits, by lengths");
    }

    [TestMethod]
    [DataRow("gpt2_seqcls1")]
    [DataRow("llama_seqcls1")]
    public void Without_a_pad_token_the_last_real_token_is_scored_whatever_it_is(string name)
    {
        using ModelFixture fixture = new(name);
        using RewardModel model = Load(name, padToken: null);
        using var noGrad = no_grad();
        Tensor ids = fixture["c.input_ids"];
        Close.Absolute(fixture["c.logits"], model.Score(ids, [6, 8]).unsqueeze(-1), Tolerance, $"{name} c.logits, no pad token");
        ids[0, 6] = End;
        Tensor hidden = model.Body.Hidden(ids);
        Tensor expected = stack([hidden[0, 6], hidden[1, 7]]).matmul(model.ScoreWeight.t());
        Close.Absolute(expected, model.Score(ids, [7, 8]).unsqueeze(-1), Tolerance, $"{name} end token scored");
    }

    [TestMethod]
    public void A_text_of_pad_tokens_alone_is_scored_at_its_first_token()
    {
        using RewardModel model = Load("llama_seqcls1", padToken: End);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor ids = tensor(new long[] { End, End, End, 7, End, 9, End, End }).view(2, 4);
        CollectionAssert.AreEqual(new[] { 3, 1 }, ClassifierRule.Places(_folder, Rows(ids)));
        Tensor hidden = model.Body.Hidden(ids);
        Tensor expected = stack([hidden[0, 0], hidden[1, 1]]).matmul(model.ScoreWeight.t()); // of the first row only three tokens are real
        Close.Absolute(expected, model.Score(ids, [3, 4]).unsqueeze(-1), Tolerance, "pad tokens alone");
    }

    [TestMethod]
    public void Training_a_loaded_model_never_reads_an_end_token_that_is_its_pad_token()
    {
        using RewardModel model = Load("gpt2_seqcls1", padToken: End);
        using var scope = NewDisposeScope();
        model.Score(tensor(new long[] { 5, 6, End, 7, 8, 9 }).view(2, 3), [3, 3]).sum().backward();
        Tensor gradient = model.Body.TokenEmbedding.grad!.abs().sum([1]); // per token
        Assert.AreEqual(0, gradient[End].item<float>());
        foreach (int read in new[] { 5, 6, 7, 8, 9 })
            Close.Above(0, gradient[read].item<float>());
    }

    [TestMethod]
    [DataRow(2, new[] { 2 }, null)]
    [DataRow(3, new[] { 2, 3 }, null)]
    [DataRow(0, new[] { 2 }, 0)]
    [DataRow(5, new int[0], 5)]
    public void A_new_head_takes_over_a_pad_token_that_ends_no_text(int pad, int[] ends, int? expected)
    {
        ModelConfig config = ModelConfig.Llama(300, 16, 1, 2, 32) with { PadTokenId = pad, EosTokenIds = ends };
        using RewardModel created = RewardModel.Create(config, 1);
        using CausalLanguageModel policy = CausalLanguageModel.Create(config, 1);
        using RewardModel headed = RewardModel.FromPolicy(policy, 1);
        Assert.AreEqual((expected, expected), (created.Config.PadTokenId, headed.Config.PadTokenId));
        Assert.AreEqual(pad, policy.Config.PadTokenId);
        using RewardModel copy = headed.Copy();
        Assert.AreEqual(expected, copy.Config.PadTokenId);
    }

    [TestMethod]
    public void Scoring_leaves_no_tensor_alive()
    {
        using RewardModel model = Load("gpt2_seqcls1", padToken: End);
        using Tensor ids = tensor(new long[] { 5, 6, End, 7, 8, 9 }).view(2, 3).DetachFromDisposeScope();
        Leaks.None(() => model.Score(ids, [3, 3]).Dispose());
    }

    /// <summary>The fixture's folder, copied, with another pad token.</summary>
    private RewardModel Load(string name, int? padToken)
    {
        File.Copy(Fixtures.Path("models", name, "model.safetensors"), Path.Combine(_folder, "model.safetensors"));
        JsonNode config = JsonNode.Parse(File.ReadAllText(Fixtures.Path("models", name, "config.json")))!;
        config["pad_token_id"] = padToken;
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        return HuggingFaceFolder.LoadRewardModel(_folder);
    }

    private static long[][] Rows(Tensor ids) => [.. ids.data<long>().ToArray().Chunk((int)ids.shape[1])];
}
