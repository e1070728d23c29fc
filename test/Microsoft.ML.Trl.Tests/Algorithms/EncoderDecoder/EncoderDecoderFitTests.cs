using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.EncoderDecoder;

/// <summary>The stages on an encoder-decoder, from columns of text to answers and figures.</summary>
[TestClass]
public sealed class EncoderDecoderFitTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Sft_learns_the_answers_by_heart(bool isVersion11)
    {
        var options = new SftOptions { MaxSteps = 60, LearningRate = 2e-2, PerDeviceTrainBatchSize = 4, Generation = Tiny.Greedy };
        using TextGenerationTransformer sft = _ml.Trl().Sft(TinyT5.Source(isVersion11: isVersion11), options).Fit(Rows);
        IEnumerable<Tiny.Answer> answers = _ml.Data.CreateEnumerable<Tiny.Answer>(sft.Transform(Rows), reuseRowObject: false);
        string[] expected = [.. Tiny.Pairs.Select(row => row.Completion)];
        CollectionAssert.AreEqual(expected, answers.Select(row => row.Completion).ToArray());
    }

    /// <summary>Dropout included, which both stacks have.</summary>
    [TestMethod]
    public void Two_fits_with_one_seed_give_equal_weights()
    {
        ModelSource source = ModelSource.New(TinyT5.Config(dropout: 0.1), Tiny.Tokenizer, 1);
        SftTrainer sft = _ml.Trl().Sft(source, new SftOptions { MaxSteps = 3, LearningRate = 1e-2 });
        using TextGenerationTransformer first = sft.Fit(Rows), second = sft.Fit(Rows);
        CollectionAssert.AreEqual(Toys.Flat(first.Model.Network.Weights()), Toys.Flat(second.Model.Network.Weights()));
    }

    /// <summary>
    /// The first loss of a run is the mean negative log-probability of all answer tokens, worked out here text by text: the decoder reads
    /// the answer shifted right behind the start token.
    /// </summary>
    [TestMethod]
    public void The_loss_is_the_mean_over_the_tokens_of_all_answers()
    {
        using LanguageModel model = TinyT5.Model();
        var (sum, count) = (0.0, 0);
        foreach (Tiny.PairRow row in Tiny.Pairs)
        {
            using var scope = NewDisposeScope();
            using var noGrad = no_grad();
            int[] prompt = model.Tokenizer.Encode(row.Prompt);
            int[] answer = [.. model.Tokenizer.Encode(row.Completion), model.Tokenizer.EosTokenId!.Value];
            using EncodedPrompts prompts = model.Network.Encode(tensor(Array.ConvertAll(prompt, id => (long)id)).view(1, -1));
            Tensor shifted = tensor([0L, .. answer[..^1].Select(id => (long)id)]).view(1, -1);
            Tensor logProbs = model.Network.Logits(model.Network.Hidden(shifted, prompts: prompts))[0].log_softmax(-1);
            sum -= answer.Select((id, i) => (double)logProbs[i, id].item<float>()).Sum();
            count += answer.Length;
        }
        var options = new SftOptions { MaxSteps = 1, LoggingSteps = 1, PerDeviceTrainBatchSize = 2, GradientAccumulationSteps = 2 };
        using TextGenerationTransformer sft = _ml.Trl().Sft(ModelSource.FromModel(model), options).Fit(Rows);
        Close.Absolute(sum / count, sft.Reports[0]["loss"], 1e-5);
        LanguageModelMetrics metrics = _ml.Trl().EvaluateLanguageModel(ModelSource.FromModel(model), Rows);
        Close.Absolute(sum / count, metrics.Loss, 1e-5);
        Assert.AreEqual(count, metrics.Tokens);
    }

    [TestMethod]
    public void Dpo_prefers_the_better_answers()
    {
        var options = new DpoOptions { MaxSteps = 20, LearningRate = 5e-3, LoggingSteps = 1, PerDeviceTrainBatchSize = 4 };
        using TextGenerationTransformer dpo = _ml.Trl().Dpo(TinyT5.Source(), options).Fit(Rows);
        Close.Absolute(Math.Log(2), dpo.Reports[0]["loss"], 1e-5);
        Close.Below(0.4, dpo.Reports[^1]["loss"]);
        PreferenceMetrics metrics = _ml.Trl().EvaluatePreferences(ModelSource.FromTransformer(dpo), Rows, reference: TinyT5.Source());
        Assert.AreEqual(1, metrics.Accuracy);
    }

    [TestMethod]
    public void Ppo_improves_the_reward_of_texts()
    {
        var options = new PpoOptions
        {
            Steps = 30 * 16, BatchSize = 16, MiniBatchSize = 16, LearningRate = 5e-3, InitKlCoef = 0.01, LoggingSteps = 1,
            Generation = new GenerationOptions { MaxNewTokens = 6 },
        };
        static double Share(string text) => text.Count(letter => letter is 'a' or 'e' or 'o' or ' ') / (double)Math.Max(6, text.Length);
        RewardFunction reward = RewardFunction.Of((_, answer) => Share(answer));
        using TextGenerationTransformer ppo = _ml.Trl().Ppo(TinyT5.Source(), reward, options).Fit(Rows);
        double before = ppo.Reports.Take(3).Average(report => report["env/reward_mean"]);
        double after = ppo.Reports.TakeLast(3).Average(report => report["env/reward_mean"]);
        Close.Above(before + 0.2, after);
        Assert.IsNotNull(ppo.Model.ValueHead);
    }
}
