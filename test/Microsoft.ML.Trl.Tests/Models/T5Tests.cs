using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>T5 against transformers; tolerance 1e-4 absolute on logits of size 1.</summary>
[TestClass]
public sealed class T5Tests
{
    private const double Tolerance = 1e-4;

    [TestMethod]
    public void Logits_are_those_of_transformers_wherever_the_prompt_is_padded()
    {
        using ModelFixture fixture = new("t5");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        using var noGrad = no_grad();
        foreach (string batch in new[] { "a", "b", "c" })
        {
            using EncodedPrompts prompts = model.Encode(
                fixture[batch + ".input_ids"], fixture.Has(batch + ".attention_mask") ? fixture[batch + ".attention_mask"] : null);
            Tensor logits = model.Logits(model.Hidden(fixture["decoder_input_ids"], prompts: prompts));
            Close.Absolute(fixture[batch + ".logits"], logits, Tolerance, $"t5 {batch}.logits");
            if (batch == "a")
                Close.Absolute(fixture["a.encoder_last_hidden_state"], prompts.States, Tolerance, "t5 a.encoder_last_hidden_state");
        }
    }

    /// <summary>The fixture's labels are -100 where nothing is learnt; their decoder input is given, not shifted from them.</summary>
    [TestMethod]
    public void The_loss_of_a_batch_is_that_of_transformers()
    {
        using ModelFixture fixture = new("t5");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        using var noGrad = no_grad();
        int[][] prompts = FixtureRows.Of(fixture["c.input_ids"], fixture["c.attention_mask"]);
        long[][] labels = [.. fixture["labels"].data<long>().ToArray().Chunk((int)fixture["labels"].shape[1])];
        TokenExample[] texts =
        [
            .. prompts.Zip(labels, (prompt, row) => new TokenExample(
                [.. prompt, .. row.Select(label => (int)Math.Max(label, 0))], prompt.Length)
            {
                Learned = [.. prompt.Select(_ => false), .. row.Select(label => label >= 0)],
            }),
        ];
        using TokenBatch batch = model.Batch(texts);
        Tensor logProbs = LogProbs.OfHidden(model.HiddenAt(batch), model.Head, batch.Labels);
        Close.Absolute(fixture["c.loss"].item<float>(), -logProbs.mean().item<float>(), Tolerance, "t5 c.loss");
    }

    [TestMethod]
    public void Bfloat16_weights_stay_near_float32()
    {
        using ModelFixture fixture = new("t5");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder, dtype: ScalarType.BFloat16);
        using var noGrad = no_grad();
        using EncodedPrompts prompts = model.Encode(fixture["c.input_ids"], fixture["c.attention_mask"]);
        Tensor logits = model.Logits(model.Hidden(fixture["decoder_input_ids"], prompts: prompts));
        Assert.AreEqual(ScalarType.BFloat16, logits.dtype);
        Close.Absolute(fixture["c.logits"], logits, 0.25, "t5 c.logits in bfloat16");
        int[][] rows = FixtureRows.Of(fixture["g.input_ids"], fixture["g.attention_mask"]);
        Assert.HasCount(3, new TokenGenerator(model).Generate(rows, new GenerationOptions { MaxNewTokens = 4, EosTokenIds = [] }).Tokens);
    }

    [TestMethod]
    public void A_configuration_in_the_older_layout_gives_the_same_model()
    {
        using ModelFixture fixture = new("t5");
        using CausalLanguageModel newer = HuggingFaceFolder.LoadModel(fixture.Folder);
        string path = Path.Combine(fixture.Folder, "config_v4.json");
        ModelConfig older = ModelConfig.Parse(File.ReadAllText(path), path);
        ModelConfig expected = newer.Config with { Source = null };
        Assert.AreEqual(expected, older with
        {
            Source = null, Labels = expected.Labels, EosTokenIds = expected.EosTokenIds, WindowedLayers = expected.WindowedLayers,
        });
        CollectionAssert.AreEqual(new[] { 1 }, older.EosTokenIds.ToArray());
        Assert.IsTrue(older.IsEncoderDecoder);
        Assert.AreEqual(0, older.DecoderStartTokenId);
    }
}
