using Microsoft.ML;
using Microsoft.ML.Data;
using ThirdParty;

namespace Mlnet.StandIn.Tests;

[TestClass]
public sealed class PredictionEngineTests
{
    private readonly MLContext _ml = new(seed: 1);

    private static EchoTransformer Echo(string output = "Completion", string input = "Prompt") => new(input, output, [], "engine");

    [TestMethod]
    public void One_prediction_runs_the_model_once_in_a_chain_and_after_loading()
    {
        var chain = new TransformerChain<ITransformer>(Echo("Middle"), Echo("Completion", "Middle"));
        var stream = new MemoryStream();
        _ml.Model.Save(chain, _ml.View().Schema, stream);
        stream.Position = 0;
        ITransformer loaded = _ml.Model.Load(stream, out _);
        using PredictionEngine<PromptRow, CompletionRow> engine = _ml.Model.CreatePredictionEngine<PromptRow, CompletionRow>(loaded);
        EchoTransformer.Runs = 0;
        Assert.AreEqual("HELLO", engine.Predict(new PromptRow { Prompt = "hello" }).Completion);
        Assert.AreEqual(2, EchoTransformer.Runs);
    }

    [TestMethod]
    public void The_example_may_be_filled_into_an_object_that_is_there()
    {
        using PredictionEngine<PromptRow, CompletionRow> engine = _ml.Model.CreatePredictionEngine<PromptRow, CompletionRow>(Echo());
        var row = new CompletionRow();
        CompletionRow same = row;
        engine.Predict(new PromptRow { Prompt = null }, ref row);
        Assert.AreSame(same, row);
        Assert.AreEqual("", row.Prompt);
        Assert.AreEqual("", row.Completion);
        Assert.AreEqual("engine", EchoTransformer.HandleOf(engine.OutputSchema).Name);
    }

    [TestMethod]
    public void An_engine_owns_its_transformer_unless_told_otherwise()
    {
        EchoTransformer owned = Echo();
        _ml.Model.CreatePredictionEngine<PromptRow, CompletionRow>(owned).Dispose();
        Assert.IsTrue(owned.IsDisposed);
        EchoTransformer kept = Echo();
        _ml.Model.CreatePredictionEngine<PromptRow, CompletionRow>(kept, new PredictionEngineOptions { OwnsTransformer = false }).Dispose();
        Assert.IsFalse(kept.IsDisposed);
    }

    [TestMethod]
    public void Columns_without_a_source_are_ignored_or_an_error()
    {
        var empty = new TransformerChain<ITransformer>();
        _ml.Model.CreatePredictionEngine<PromptRow, CompletionRow>(empty).Dispose();
        ArgumentOutOfRangeException exception = Assert.ThrowsExactly<ArgumentOutOfRangeException>(
            () => _ml.Model.CreatePredictionEngine<PromptRow, CompletionRow>(empty, ignoreMissingColumns: false));
        StringAssert.StartsWith(exception.Message, "Could not find  column 'Completion'");
    }

    [TestMethod]
    public void A_schema_may_give_the_input_its_types()
    {
        using PredictionEngine<PromptRow, CompletionRow> engine = _ml.Model.CreatePredictionEngine<PromptRow, CompletionRow>(Echo(), _ml.View().Schema);
        Assert.AreEqual("A", engine.Predict(new PromptRow { Prompt = "a" }).Completion);
        Assert.ThrowsExactly<InvalidOperationException>(
            () => _ml.Model.CreatePredictionEngine<PromptRow, CompletionRow>(Echo(), Support.Schema(("Elsewhere", TextDataViewType.Instance))));
    }

    [TestMethod]
    public void A_mapper_refuses_rows_of_another_schema_object()
    {
        ITransformer chain = new TransformerChain<ITransformer>(Echo());
        DataViewSchema schema = _ml.View().Schema;
        IRowToRowMapper mapper = chain.GetRowToRowMapper(schema);
        Assert.AreSame(schema, mapper.InputSchema);
        using DataViewRowCursor other = _ml.View().GetRowCursor(_ml.View().Schema);
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => mapper.GetRow(other, mapper.OutputSchema));
    }
}
