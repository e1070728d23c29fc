using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.PpoExperimental;

/// <summary>
/// Two models that are trained together, both without dropout: a policy, and one that says before each token how the score will turn out.
/// </summary>
internal sealed class PolicyAndValue : IDisposable
{
    private readonly RewardModel _value;
    private readonly Func<DecoderModel, RolloutPart, Tensor> _states;
    private readonly MemorySaving _valueMemory;
    private readonly double _temperature;

    /// <param name="policy">Trained in place. The caller keeps it.</param>
    /// <param name="value">Trained in place. The caller keeps it.</param>
    /// <param name="options">Checked.</param>
    /// <param name="states">The states [n, H] of a model that predict the response tokens of some rows.</param>
    /// <exception cref="ArgumentException">Options that save memory do not fit the models.</exception>
    /// <exception cref="TrainingDivergedException">A weight is no finite number; the message names it.</exception>
    public PolicyAndValue(
        CausalLanguageModel policy, RewardModel value, ExperimentalPpoOptions options, Func<DecoderModel, RolloutPart, Tensor> states)
    {
        (Policy, _value, _states, _temperature) = (policy, value, states, options.Generation.Temperature);
        policy.RequireTrainable("policy");
        value.RequireTrainable("value model");
        FiniteWeights.Require("policy", policy.Everything());
        FiniteWeights.Require("value model", value.Everything());
        policy.eval();
        value.eval();
        Memory = MemorySaving.Begin(policy, options);
        try
        {
            _valueMemory = MemorySaving.Begin(value, OfValueModel(options));
        }
        catch
        {
            Memory.Dispose();
            throw;
        }
    }

    /// <summary>The policy.</summary>
    public CausalLanguageModel Policy { get; }

    /// <summary>Of the policy.</summary>
    public MemorySaving Memory { get; }

    /// <summary>All parameters in memory.</summary>
    public IEnumerable<Tensor> Everything => Policy.parameters().Concat(_value.parameters());

    /// <summary>What is trained, and how fast.</summary>
    public IReadOnlyList<TrainedParameter> Trained(ExperimentalPpoOptions options) =>
        ParameterRates.Of(Policy, _value.Everything().Select(weight => ($"value_model.{weight.Name}", weight.Value)), options);

    /// <summary>Log-probabilities [n] of the response tokens of some rows under a model, at the temperature of the draw.</summary>
    public Tensor LogProbs(CausalLanguageModel model, RolloutPart part) => LogProbsOf(model, _states(model, part), part.Labels);

    /// <summary>The same from states [n, H].</summary>
    public Tensor LogProbsOf(CausalLanguageModel model, Tensor states, Tensor labels) =>
        Numerics.LogProbs.OfHidden(states, model.Head with { Temperature = _temperature }, labels);

    /// <summary>The same of the policy, with what the pass tells beside.</summary>
    public TokenLogProbs Statistics(RolloutPart part) =>
        Numerics.LogProbs.WithStatistics(_states(Policy, part), Policy.Head with { Temperature = _temperature }, part.Labels);

    /// <summary>What the value model says before each response token of some rows: [n] float32.</summary>
    public Tensor Values(RolloutPart part) => _value.ScoresOf(_states(_value, part)).to_type(ScalarType.Float32);

    /// <inheritdoc/>
    public void Dispose()
    {
        _valueMemory.Dispose();
        Memory.Dispose();
    }

    /// <summary>The value model is trained as a whole, and updated when the backward pass is over.</summary>
    private static ExperimentalPpoOptions OfValueModel(ExperimentalPpoOptions options) => options with
    {
        FreezeFirstLayers = 0,
        FreezeEmbeddings = false,
        LisaActivatedLayers = null,
        OptimizerInBackward = false,
        Peft = null,
    };
}
