using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Models with an encoder taken for others, others taken for them, and what does not make sense for them.</summary>
internal static class EncoderDecoderInputs
{
    private const string Parse = "ModelFamilies.Parse", Create = "CausalLanguageModel.Create", Make = "T5Family.T5";
    private const string Hidden = "CausalLanguageModel.Hidden", HiddenAt = "CausalLanguageModel.HiddenAt";
    private const string Encode = "CausalLanguageModel.Encode", Batch = "CausalLanguageModel.Batch";

    private static readonly Lazy<CausalLanguageModel> MadeT5 = new(() => TinyT5.Network());

    private static CausalLanguageModel T5 => MadeT5.Value;

    private static ModelSource Source => TinyT5.Source();

    public static IEnumerable<BadInput> All() => [.. Shapes(), .. Files(), .. Networks(), .. Stages(), .. Steps()];

    private static IEnumerable<BadInput> Shapes()
    {
        ModelConfig t5 = TinyT5.Config();
        return
        [
            Of<InvalidDataException>(Make, () => ModelConfig.T5(0, 16, 2, 2), ["vocabulary size is 0", "at least 1"]),
            Of<InvalidDataException>(Make, () => ModelConfig.T5(40, 16, 0, 2), ["number of layers is 0", "at least 1"]),
            Of<InvalidDataException>(Make, () => ModelConfig.T5(40, 16, 2, 3), ["hidden size 16", "3 heads"]),
            Of<InvalidDataException>(Make, () => ModelConfig.T5(40, 16, 2, 0), ["hidden size 16", "0 heads"]),
            Of<InvalidDataException>(Make, () => ModelConfig.T5(40, 16, 2, 2, dropout: 1), ["dropout is 1", "below 1"]),
            Made(t5 with { EncoderLayerCount = 0 }, "encoder has 0 layers", "at least 1"),
            Made(t5 with { EncoderLayerCount = -1 }, "encoder has -1 layers", "at least 1"),
            Made(t5 with { DecoderStartTokenId = null }, "decoder_start_token_id", "pad_token_id", "answers begin with"),
            Made(t5 with { DecoderStartTokenId = 9999 }, "decoder_start_token_id is 9999", "0 to"),
            Made(Config with { EncoderLayerCount = 2 }, "encoder has 2 layers", "gpt2", "none: 0"),
            Of<ArgumentException>(
                Create, () => CausalLanguageModel.Create(t5 with { EncoderLayerCount = int.MaxValue }, 1), ["GB", "memory", "smaller"]),
        ];
    }

    private static IEnumerable<BadInput> Files() =>
    [
        Parsed("\"relative_attention_num_buckets\": 2", "relative_attention_num_buckets is 2", "at least 4"),
        Parsed("\"relative_attention_max_distance\": 16", "relative_attention_max_distance 16", "more than half"),
        Parsed("\"num_layers\": 0", "number of layers is 0", "at least 1"),
        Parsed("\"num_decoder_layers\": 0", "number of layers is 0", "at least 1"),
        Parsed("\"decoder_start_token_id\": 32128", "decoder_start_token_id is 32128", "0 to 32127"),
        Parsed("\"scale_decoder_outputs\": 1", "scale_decoder_outputs is 1", "true or false"),
        Of<NotSupportedException>(
            Parse, () => ModelConfig.Parse("{\"model_type\": \"t5\", \"feed_forward_proj\": \"swish\"}", "config.json"),
            ["'swish'", "gelu_new"]),
        Of<NotSupportedException>(
            "LanguageModel.SaveGguf", () => { using LanguageModel model = TinyT5.Model(); model.SaveGguf("t5.gguf", GgufType.F16); },
            ["'t5'", "cannot be written as GGUF", "convert_hf_to_gguf.py"]),
    ];

    private static IEnumerable<BadInput> Networks() =>
    [
        Null(Encode, "ids", () => T5.Encode(null!)),
        Of<ArgumentException>(Encode, () => T5.Encode(ones(1, 3)), ["int64", "Float32"]),
        Of<ArgumentException>(Encode, () => T5.Encode(Ids(3) * 50), ["50", "0 to 49"]),
        Of<ArgumentException>(Encode, () => T5.Encode(Ids(3), ones(1, 4, ScalarType.Bool)), ["[1, 3]", "[1, 4]"]),
        Of<ArgumentException>(Encode, () => T5.Encode(Ids(3), zeros(1, 3, ScalarType.Bool)), ["without any real token", "at least one"]),
        Of<NotSupportedException>(Encode, () => Network.Encode(Ids(3)), ["gpt2", "no encoder", "Hidden"]),
        Of<ObjectDisposedException>(Encode, () => Gone().Encode(Ids(3)), ["t5 model", "was disposed"]),
        Of<ArgumentException>(Hidden, () => T5.Hidden(Ids(3)), ["t5", "prompts is null", "Encode"]),
        Of<ArgumentException>(HiddenAt, () => T5.HiddenAt(Ids(3), tensor(new[] { 0L })), ["t5", "prompts is null", "Encode"]),
        Of<ArgumentException>("Decoder.Hidden", () => T5.Body.Hidden(Ids(3)), ["t5", "prompts is null", "Encode"]),
        Of<ArgumentException>(Hidden, () => With(T5, 2, prompts => T5.Hidden(Ids(3), prompts: prompts)), ["2 encoded prompts for 1 rows"]),
        Of<ArgumentException>(Hidden, () => With(T5, 1, prompts => Network.Hidden(Ids(3), prompts: prompts)), ["gpt2", "no encoder"]),
        Of<ObjectDisposedException>(
            Hidden, () => With(T5, 1, prompts => { prompts.Dispose(); T5.Hidden(Ids(3), prompts: prompts); }), ["EncodedPrompts"]),
        Null(HiddenAt, "batch", () => T5.HiddenAt(null!)),
        Of<ArgumentException>(HiddenAt, () => HiddenAtPlain(T5), ["t5", "Batch method of this model"]),
        Of<ObjectDisposedException>(
            "EncodedPrompts.States", () => With(T5, 1, prompts => { prompts.Dispose(); _ = prompts.States; }), ["EncodedPrompts"]),
        Null(Batch, "rows", () => T5.Batch(null!)),
        Of<ArgumentException>(Batch, () => T5.Batch([]), ["rows is empty", "at least one"]),
        Of<ArgumentException>(Batch, () => T5.Batch([new([1, 2], 1), new([1, 2])]), ["Row 1 has no prompt", "encoder"]),
        Of<ObjectDisposedException>(Batch, () => Gone().Batch([new([1, 2], 1)]), ["t5 model", "was disposed"]),
        Of<NotSupportedException>("RewardModel.FromPolicy", () => RewardModel.FromPolicy(T5, 1), ["t5", "reward model", "GPT-2"]),
        Of<NotSupportedException>("RewardModel.Create", () => RewardModel.Create(TinyT5.Config(), 1), ["t5", "reward model", "GPT-2"]),
        Of<NotSupportedException>(
            "SequenceClassifier.Create", () => SequenceClassifier.Create(TinyT5.Config(), ["a"], 1), ["t5", "classifier", "BERT"]),
        Of<NotSupportedException>(
            "SequenceClassifier.FromModel", () => SequenceClassifier.FromModel(T5, ["a"], 1), ["t5", "classifier", "BERT"]),
    ];

    private static IEnumerable<BadInput> Stages()
    {
        IDataView rows = Ml.Data.LoadFromEnumerable(Tiny.Pairs);
        IDataView texts = Ml.Data.LoadFromEnumerable(new[] { new TextRow { Text = "the film was good" } });
        IDataView blank = Ml.Data.LoadFromEnumerable([Tiny.Pairs[0], new Tiny.PairRow { Completion = "a", Chosen = "a", Rejected = "b" }]);
        TrlCatalog trl = Ml.Trl();
        return
        [
            Of<NotSupportedException>(
                "SftTrainer.Fit", () => trl.Sft(Source, new SftOptions { Packing = true }).Fit(rows),
                ["t5", "Packing", "set Packing to false"]),
            Of<NotSupportedException>(
                "SftTrainer.Fit", () => trl.Sft(Source, new SftOptions { CompletionOnlyLoss = false }).Fit(rows),
                ["t5", "CompletionOnlyLoss is false", "leave it at null"]),
            Of<NotSupportedException>(
                "SftTrainer.Fit", () => trl.Sft(Source).Fit(texts), ["t5", "'Text'", "'Prompt'", "'Completion'"]),
            Of<NotSupportedException>(
                "TrlCatalog.EvaluateLanguageModel", () => trl.EvaluateLanguageModel(Source, texts), ["t5", "'Text'", "'Prompt'"]),
            Of<ArgumentException>("SftTrainer.Fit", () => trl.Sft(Source).Fit(blank), ["Row 1", "prompt is empty", "encoder"]),
            Of<ArgumentException>("DpoTrainer.Fit", () => trl.Dpo(Source).Fit(blank), ["Row 1", "prompt is empty", "encoder"]),
            Of<NotSupportedException>("RewardTrainer.Fit", () => trl.RewardModel(Source).Fit(rows), ["t5", "reward model", "GPT-2"]),
        ];
    }

    private static IEnumerable<BadInput> Steps()
    {
        var options = new PpoOptions { BatchSize = 2, MiniBatchSize = 1 };
        void step(int[][] queries, int[][] responses)
        {
            using var session = new PpoSession(T5, options);
            session.Step(queries, responses, [1, -1]);
        }
        return
        [
            Of<ArgumentException>("PpoSession.Step", () => step([[1], []], [[2], [3]]), ["query of row 1", "empty", "at least one token"]),
            Of<ArgumentException>("PpoSession.Step", () => step([[1], [2]], [[2], [50]]), ["response of row 1", "50", "0 to 49"]),
        ];
    }

    private static BadInput Parsed(string field, params string[] words) => Of<InvalidDataException>(
        Parse, () => ModelConfig.Parse($"{{\"model_type\": \"t5\", {field}}}", "config.json"), words, "t5 with " + field);

    private static BadInput Made(ModelConfig config, params string[] words) => Of<InvalidDataException>(
        Create, () => CausalLanguageModel.Create(config, 1), words, string.Join(", ", words));

    private static void With(CausalLanguageModel model, int rows, Action<EncodedPrompts> act)
    {
        using EncodedPrompts prompts = model.Encode(Ids(3).expand(rows, 3));
        act(prompts);
    }

    private static void HiddenAtPlain(CausalLanguageModel model)
    {
        using TokenBatch batch = TokenBatch.Of([new([1, 2, 3], 1)]);
        model.HiddenAt(batch);
    }

    private static Tensor Ids(int length) => ones(1, length, ScalarType.Int64);

    private static CausalLanguageModel Gone()
    {
        CausalLanguageModel model = TinyT5.Network();
        model.Dispose();
        return model;
    }

    private sealed class TextRow
    {
        public string Text { get; set; } = "";
    }
}
