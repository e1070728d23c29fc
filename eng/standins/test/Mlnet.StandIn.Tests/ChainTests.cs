using Microsoft.ML;
using Microsoft.ML.Data;
using ThirdParty;

namespace Mlnet.StandIn.Tests;

[TestClass]
public sealed class ChainTests
{
    private readonly MLContext _ml = new(seed: 1);

    [TestInitialize]
    public void Reset() => EchoTransformer.Runs = 0;

    [TestMethod]
    public void Nothing_is_computed_before_a_value_is_fetched()
    {
        IDataView view = new EchoEstimator(_ml).Fit(_ml.View()).Transform(_ml.View());
        Assert.AreEqual(0, EchoTransformer.Runs);
        CollectionAssert.AreEqual(Support.Prompts, view.Texts());
        Assert.AreEqual(0, EchoTransformer.Runs);
        Assert.AreEqual("PROMPT 3", view.Texts("Completion")[3]);
        Assert.AreEqual(11, EchoTransformer.Runs);
    }

    [TestMethod]
    public void A_schema_error_in_a_late_stage_comes_before_an_early_stage_is_fitted()
    {
        var first = new EchoEstimator(_ml);
        EstimatorChain<EchoTransformer> chain = first.Append(new EchoEstimator(_ml, "Second", "Missing"));
        Assert.ThrowsExactly<ArgumentException>(() => chain.Fit(_ml.View()));
        Assert.AreEqual(0, first.Fits);
    }

    [TestMethod]
    public void A_promised_column_satisfies_the_next_stage_and_shows_its_annotation()
    {
        SchemaShape seen = null;
        new EchoEstimator(_ml, "A").Append(new ShapeSpy(shape => seen = shape)).Fit(_ml.View());
        SchemaShape.Column promised = seen.Single(column => column.Name == "A");
        Assert.AreEqual(EchoTransformer.AnnotationKind, promised.Annotations.Single().Name);
        Assert.AreEqual(SchemaShape.Column.VectorKind.Scalar, promised.Kind);
        Assert.IsFalse(promised.IsKey);
    }

    [TestMethod]
    public void Two_passes_run_the_model_twice_and_a_cache_checkpoint_once()
    {
        var chain = new EchoEstimator(_ml).Append(new PassingEstimator(passes: 2));
        chain.Fit(_ml.View());
        Assert.AreEqual(22, EchoTransformer.Runs);
        EchoTransformer.Runs = 0;
        var cached = new EchoEstimator(_ml).AppendCacheCheckpoint(_ml).Append(new PassingEstimator(passes: 5));
        cached.Fit(_ml.View());
        Assert.AreEqual(11, EchoTransformer.Runs);
    }

    [TestMethod]
    public void A_chain_of_another_result_grows_through_the_general_form()
    {
        IEstimator<ITransformer> pipeline = new EchoEstimator(_ml, "A");
        pipeline = pipeline.Append(new EchoEstimator(_ml, "B", "A"));
        pipeline = pipeline.Append(new EchoEstimator(_ml, "C", "B"));
        Assert.AreEqual("PROMPT 0", pipeline.Fit(_ml.View()).Transform(_ml.View()).Texts("C")[0]);
    }

    [TestMethod]
    public void A_fit_delegate_sees_the_transformer()
    {
        EchoTransformer seen = null;
        IEstimator<EchoTransformer> estimator = new EchoEstimator(_ml).WithOnFitDelegate(fitted => seen = fitted);
        Assert.AreSame(estimator.Append(new EchoEstimator(_ml, "B")).Fit(_ml.View()).First(), seen);
    }

    [TestMethod]
    public void Disposing_a_chain_disposes_its_members()
    {
        TransformerChain<EchoTransformer> chain = new EchoEstimator(_ml).Append(new EchoEstimator(_ml, "B")).Fit(_ml.View());
        chain.Dispose();
        Assert.IsTrue(chain.Cast<EchoTransformer>().All(transformer => transformer.IsDisposed));
    }

    [TestMethod]
    public void Scopes_choose_the_transformers()
    {
        EchoTransformer a = new EchoEstimator(_ml, "A").Fit(_ml.View());
        EchoTransformer b = new EchoEstimator(_ml, "B").Fit(_ml.View());
        var chain = new TransformerChain<EchoTransformer>([a, b], [TransformerScope.TrainTest, TransformerScope.Everything]);
        Assert.IsNull(chain.Transform(_ml.View()).Schema.GetColumnOrNull("A"));
        Assert.IsNotNull(chain.Transform(_ml.View(), TransformerScope.Training).Schema.GetColumnOrNull("A"));
        Assert.AreEqual(1, chain.GetModelFor(TransformerScope.Scoring).Count());
        Assert.AreSame(b, chain.LastTransformer);
    }

    [TestMethod]
    public void An_empty_chain_changes_nothing_and_takes_no_checkpoint()
    {
        IDataView view = _ml.View();
        Assert.AreSame(view, new TransformerChain<ITransformer>().Transform(view));
        Assert.ThrowsExactly<InvalidOperationException>(() => new EstimatorChain<ITransformer>().AppendCacheCheckpoint(_ml));
    }

    /// <summary>Reads all columns some times in Fit, like a trainer with several epochs.</summary>
    private sealed class PassingEstimator(int passes) : IEstimator<EchoTransformer>
    {
        public EchoTransformer Fit(IDataView input)
        {
            for (int i = 0; i < passes; i++)
                input.Texts("Completion");
            return new EchoTransformer("Prompt", "Again", [], "again");
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema) => inputSchema;
    }

    private sealed class ShapeSpy(Action<SchemaShape> look) : IEstimator<EchoTransformer>
    {
        public EchoTransformer Fit(IDataView input) => new("Prompt", "Spied", [], "spy");

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            look(inputSchema);
            return inputSchema;
        }
    }
}
