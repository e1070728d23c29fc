using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Algorithms.Conversations;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Datasets;

/// <summary>Files in others' layouts go straight into the methods.</summary>
[TestClass]
public sealed class LoadedDatasetFitTests : IDisposable
{
    private readonly MLContext _ml = new(1);
    private readonly Files _files = new();

    public void Dispose() => _files.Dispose();

    [TestMethod]
    public void Sft_learns_a_file_of_Alpaca()
    {
        IDataView rows = Load("alpaca.json", """
            [{"instruction": "Name the film.", "input": "", "output": "the film was good"},
             {"instruction": "Name the plot.", "input": "a story", "output": "the plot was thin"}]
            """);
        var options = new SftOptions { NumTrainEpochs = 30, LearningRate = 1e-2, LoggingSteps = 1, Generation = Tiny.Greedy };
        using TextGenerationTransformer fitted = _ml.Trl().Sft(Tiny.Source(context: 256), options).Fit(rows);
        Assert.IsLessThan(0.5 * fitted.Reports[0]["loss"], fitted.Reports[^1]["loss"]);
        string[] answers = Files.Texts(fitted.Transform(rows), "Completion");
        Assert.HasCount(2, answers);
    }

    [TestMethod]
    public void Reward_models_and_Dpo_learn_a_file_of_hh_rlhf()
    {
        string[] pairs = [.. new[] { ("film", "good", "bad"), ("plot", "rich", "thin"), ("story", "warm", "cold") }.Select(row =>
            $$"""
            {"chosen": "\n\nHuman: the {{row.Item1}}\n\nAssistant: was {{row.Item2}}",
             "rejected": "\n\nHuman: the {{row.Item1}}\n\nAssistant: was {{row.Item3}}"}
            """)];
        IDataView rows = Load("hh.json", string.Join('\n', pairs));
        using RewardTransformer reward = _ml.Trl().RewardModel(
            Tiny.Source(context: 96), new RewardOptions { NumTrainEpochs = 40, LearningRate = 1e-2, LoggingSteps = 1 }).Fit(rows);
        Assert.AreEqual(1, reward.Reports[^1]["accuracy"]);
        Assert.IsLessThan(0.3, reward.Reports[^1]["loss"]);
        using TextGenerationTransformer policy = _ml.Trl().Dpo(
            Tiny.Source(context: 96), new DpoOptions { NumTrainEpochs = 40, LearningRate = 1e-2, LoggingSteps = 1 }).Fit(rows);
        Assert.AreEqual(1, policy.Reports[^1]["rewards/accuracies"]);
    }

    [TestMethod]
    public void Conversations_of_LmFlow_and_ShareGpt_learn_as_those_in_memory()
    {
        IDataView lmFlow = Load("talk.json", """
            {"type": "conversation", "instances": [
              {"messages": [{"role": "user", "content": "the film"}, {"role": "assistant", "content": "was good"}]}]}
            """);
        IDataView shareGpt = Load("share.jsonl", """
            {"conversations": [{"from": "human", "value": "the film"}, {"from": "gpt", "value": "was good"}]}
            """);
        IDataView given = _ml.Data.LoadFromEnumerable([new Talk.Row { Messages = Talk.Json("the film", "was good") }], Only("Messages"));
        double[] losses = [.. new[] { given, lmFlow, shareGpt }.Select(Loss)];
        Assert.AreEqual(losses[0], losses[1]);
        Assert.AreEqual(losses[0], losses[2]);

        double Loss(IDataView rows)
        {
            var options = new SftOptions { MaxSteps = 2, LearningRate = 1e-2, LoggingSteps = 1, AssistantOnlyLoss = true };
            using TextGenerationTransformer fitted = _ml.Trl().Sft(Talk.Source(), options).Fit(rows);
            return fitted.Reports[^1]["loss"];
        }
    }

    [TestMethod]
    public void Labelled_steps_and_completions_go_into_their_methods()
    {
        IDataView steps = Load("steps.jsonl", """
            {"prompt": "the film", "completions": [" was good", " was bad"], "labels": [true, false]}
            {"prompt": "a story", "completions": [" warm"], "labels": [true]}
            """);
        using StepRewardTransformer prm = _ml.Trl().Prm(
            Tiny.Source(), new PrmOptions { MaxSteps = 2, LoggingSteps = 1 }).Fit(steps);
        Assert.IsTrue(double.IsFinite(prm.Reports[^1]["loss"]));

        string pairs = "{\"prompt\": \"the film\", \"chosen\": \" was good\", \"rejected\": \" was bad\"}\n"
            + "{\"prompt\": \"a story\", \"chosen\": \" warm\", \"rejected\": \" cold\"}\n";
        var options = new KtoOptions { MaxSteps = 2, LearningRate = 1e-2, LoggingSteps = 1 };
        IDataView unpaired = _ml.Data.LoadDataset(_files.Write("pairs.jsonl", pairs), convert: DatasetRows.Unpair);
        using TextGenerationTransformer ofLabels = _ml.Trl().Kto(Tiny.Source(), options).Fit(unpaired);
        using TextGenerationTransformer ofPairs = _ml.Trl().Kto(Tiny.Source(), options).Fit(Load("pairs.jsonl", pairs));
        Assert.AreEqual(ofPairs.Reports[^1]["loss"], ofLabels.Reports[^1]["loss"]);
    }

    private IDataView Load(string name, string content) => _ml.Data.LoadDataset(_files.Write(name, content));

    private static SchemaDefinition Only(string column)
    {
        var schema = SchemaDefinition.Create(typeof(Talk.Row));
        foreach (SchemaDefinition.Column other in schema.Where(one => one.ColumnName != column).ToArray())
            schema.Remove(other);
        return schema;
    }
}
