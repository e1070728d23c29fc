using System.Reflection;
using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Where callers hand something in: public methods with parameters, constructors, properties that can be set, indexers.</summary>
internal static class PublicEntries
{
    /// <summary>Entries that have a use for whatever they are given, by the names of <see cref="BadInput.Member"/>.</summary>
    public static readonly string[] AcceptAnything =
    [
        "LengthSampler.Sample", "FixedKlController.Update", "DecoderModel.SetDropout", "SequenceClassifier.SetDropout",
        "TextTokenizer.CreateStreamDecoder",
        "TextGenerationTransformer.CancellationToken", "TextConstraint.Equals",
        // figures and texts that are only kept
        "GenerationMetrics.#ctor", "LanguageModelMetrics.#ctor", "PreferenceMetrics.#ctor", "GenerationResult.#ctor", "PpoLossTerms.#ctor",
        "TokenLogProbs.#ctor", "TensorEntry.#ctor", "RewardRow.#ctor", "SampleCompletion.#ctor", "ScoredCompletion.#ctor",
        "BestOfNResult.#ctor",
        "DdimTransition.#ctor", "DdpoLossTerms.#ctor", "PromptStatistics.#ctor",
        "LabelPrediction.#ctor", "ChatSpan.#ctor", "RenderedChat.#ctor", "TrainingPlanRow.#ctor", "TrainingPlanAdvice.#ctor",
        "DatasetShape.#ctor", "RewardFunctionException.#ctor", "TrainingCanceledException.#ctor", "TrainingDivergedException.#ctor",
        "TrainingFailedException.#ctor", "RewardFunctionException.Model", "TrainingCanceledException.Model",
        "TrainingDivergedException.Model", "TrainingFailedException.Model",
    ];

    /// <summary>All of them. What options are set to is checked where they are used, so that their properties are none.</summary>
    public static IEnumerable<string> All() => typeof(TrlCatalog).Assembly.ExportedTypes
        .Where(type => type is { IsInterface: false, IsEnum: false } && !type.Name.Contains('<', StringComparison.Ordinal))
        .SelectMany(Declared).Where(method => method.GetParameters().Length > 0 && !IsPlumbing(method)).Select(Name).Distinct();

    /// <summary>Public methods and constructors that a type declares itself.</summary>
    public static IEnumerable<MethodBase> Declared(Type type)
    {
        const BindingFlags own = BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
        return type.GetMethods(own).Concat<MethodBase>(type.GetConstructors(own));
    }

    private static string Name(MethodBase method)
    {
        string name = method.IsConstructor ? "#ctor" : method.IsSpecialName ? method.Name[4..] : method.Name; // get_Item, set_BatchSize
        return $"{method.DeclaringType!.Name}.{name}";
    }

    // What the compiler writes for records, and properties that are set once.
    private static bool IsPlumbing(MethodBase method) =>
        method.Name.StartsWith("op_", StringComparison.Ordinal)
        || (method.IsDefined(typeof(CompilerGeneratedAttribute)) && !method.IsSpecialName)
        || (method as MethodInfo)?.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) == true;
}
