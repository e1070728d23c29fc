using Microsoft.ML.Trl.Planning;

namespace Microsoft.ML.Trl;

/// <content>What a run will take, before it begins.</content>
public sealed partial class TrlCatalog
{
    /// <summary>Memory and time of supervised fine-tuning, without reading or making weights.</summary>
    /// <param name="options">Of the run.</param>
    /// <param name="source">The model to start from; of a folder its small files are read, of a GGUF file its header.</param>
    /// <param name="sample">Rows as the stage reads them, for their lengths. Null = the longest rows that the options allow.</param>
    /// <returns>A plan; its <c>ToString</c> is a table.</returns>
    /// <exception cref="ArgumentException">An option is out of range, or the data cannot be learnt from; the message names it.</exception>
    /// <exception cref="IOException">The source is a folder that is not there, or lacks a file.</exception>
    /// <exception cref="InvalidDataException">A file of the source is damaged.</exception>
    /// <exception cref="NotSupportedException">Family or tokenizer are not supported, or the method cannot train the model.</exception>
    /// <exception cref="InvalidOperationException">The GPU asked for is not there, or nothing is left to be trained.</exception>
    public TrainingPlan Plan(SftOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("SFT", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of reward modelling, without reading or making weights.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(RewardOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("Reward", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of direct preference optimisation, with the starting model as reference.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(DpoOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("DPO", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of Kahneman-Tversky optimisation, with the starting model as reference.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(KtoOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("KTO", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of binary classifier optimisation, with the starting model as reference.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(BcoOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("BCO", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of contrastive preference optimisation, SimPO among it, which has no reference.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(CpoOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("CPO", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of odds ratio preference optimisation, which has no reference.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(OrpoOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("ORPO", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of PPO, with the starting model as reference; what the reward takes is not counted.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(PpoOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("PPO", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of GRPO, with the starting model as reference; what rewards and tools take is not counted.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(GrpoOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("GRPO", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of RLOO, with the starting model as reference; what rewards and tools take is not counted.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(RlooOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("RLOO", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of online DPO, with the starting model as reference; what the judge takes is not counted.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(OnlineDpoOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("Online DPO", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of XPO, with the starting model as reference; what the judge takes is not counted.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(XpoOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("XPO", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of Nash-MD, with the starting model as reference; what the judge takes is not counted.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(NashMdOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("Nash-MD", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of RAFT; what rewards take is not counted.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(RaftOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("RAFT", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of a process reward model, without reading or making weights.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(PrmOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("PRM", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of text classification, without reading or making weights.</summary>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(TextClassificationOptions options, ModelSource source, IDataView? sample = null) =>
        Plan("Classification", Require.NotNull(options).Validated(), source, sample);

    /// <summary>Memory and time of logit distillation, without reading or making weights.</summary>
    /// <param name="options">Of the run.</param>
    /// <param name="source">The student to start from; of a folder its small files are read, of a GGUF file its header.</param>
    /// <param name="teacher">The model to learn from, of which no more is read.</param>
    /// <param name="sample">Rows as the stage reads them, for their lengths. Null = the longest rows that the options allow.</param>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(DistillOptions options, ModelSource source, ModelSource teacher, IDataView? sample = null) =>
        Plan("Distill", Require.NotNull(options).Validated(), source, sample, Require.NotNull(teacher));

    /// <summary>Memory and time of generalized knowledge distillation, without reading or making weights.</summary>
    /// <param name="options">Of the run.</param>
    /// <param name="source">The student to start from; of a folder its small files are read, of a GGUF file its header.</param>
    /// <param name="teacher">The model to learn from, of which no more is read.</param>
    /// <param name="sample">Rows as the stage reads them, for their lengths. Null = the longest rows that the options allow.</param>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(GkdOptions options, ModelSource source, ModelSource teacher, IDataView? sample = null) =>
        Plan("GKD", Require.NotNull(options).Validated(), source, sample, Require.NotNull(teacher));

    /// <summary>Memory and time of MiniLLM, without reading or making weights.</summary>
    /// <param name="options">Of the run.</param>
    /// <param name="source">The student to start from; of a folder its small files are read, of a GGUF file its header.</param>
    /// <param name="teacher">The model to learn from, of which no more is read.</param>
    /// <param name="sample">Rows as the stage reads them, for their lengths. Null = the longest rows that the options allow.</param>
    /// <inheritdoc cref="Plan(SftOptions, ModelSource, IDataView?)"/>
    public TrainingPlan Plan(MiniLlmOptions options, ModelSource source, ModelSource teacher, IDataView? sample = null) =>
        Plan("MiniLLM", Require.NotNull(options).Validated(), source, sample, Require.NotNull(teacher));

    private TrainingPlan Plan(
        string method, TrainingOptions options, ModelSource source, IDataView? sample, ModelSource? teacher = null) =>
        new Planner(_ml, Given(source), teacher).Plan(method, options, sample);
}
