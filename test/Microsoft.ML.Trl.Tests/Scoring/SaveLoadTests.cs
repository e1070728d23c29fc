using Microsoft.ML.Data;
using Microsoft.ML.Trl.Algorithms.Dpo;
using Microsoft.ML.Trl.Algorithms.Reward;
using Microsoft.ML.Trl.Algorithms.Sft;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Scoring;

[TestClass]
public sealed class SaveLoadTests
{
    [TestMethod]
    public void A_chain_answers_the_same_after_saving_and_loading()
    {
        var ml = new MLContext(1);
        IDataView rows = ml.Data.LoadFromEnumerable(Tiny.Pairs);
        using var chain = ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 2 }, Tiny.Greedy)
            .Append(ml.Trl().RewardModel(new RewardOptions { MaxSteps = 2 }))
            .Append(ml.Trl().Dpo(new DpoOptions { MaxSteps = 2 }))
            .Fit(rows);
        using var file = new MemoryStream();
        ml.Model.Save(chain, rows.Schema, file);
        file.Position = 0;
        ITransformer loaded = new MLContext().Model.Load(file, out DataViewSchema schema);
        Tiny.ScoredAnswer[] before = [.. ml.Data.CreateEnumerable<Tiny.ScoredAnswer>(chain.Transform(rows), false)];
        Tiny.ScoredAnswer[] after = [.. ml.Data.CreateEnumerable<Tiny.ScoredAnswer>(loaded.Transform(rows), false)];
        CollectionAssert.AreEqual(before.Select(row => row.Completion).ToArray(), after.Select(row => row.Completion).ToArray());
        CollectionAssert.AreEqual(before.Select(row => row.Score).ToArray(), after.Select(row => row.Score).ToArray());
        Assert.AreEqual("Prompt", schema[0].Name);
        Assert.IsTrue(before.All(row => float.IsFinite(row.Score) && row.Completion.Length > 0));
    }
}
