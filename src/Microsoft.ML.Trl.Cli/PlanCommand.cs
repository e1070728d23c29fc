using System.CommandLine;
using System.Text.Json;
using Spectre.Console;

namespace Microsoft.ML.Trl.Cli;

using Command = System.CommandLine.Command; // in here the name is that of a namespace of ML.NET

/// <summary><c>trl plan METHOD</c>: what a run would take, with the flags of that run.</summary>
internal static class PlanCommand
{
    /// <summary>The command, with one below it for each method.</summary>
    public static Command Create(IAnsiConsole console)
    {
        var plan = new Command("plan", "Memory and time of a run, before it begins.");
        plan.Subcommands.Add(
            Of<SftOptions>("sft", "Supervised fine-tuning.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(
            Of<RewardOptions>("reward", "A reward model.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(
            Of<DpoOptions>("dpo", "Direct preference optimisation.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(
            Of<KtoOptions>("kto", "Kahneman-Tversky optimisation.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(
            Of<BcoOptions>("bco", "Binary classifier optimisation.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(Of<CpoOptions>(
            "cpo", "Contrastive preference optimisation and SimPO.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(
            Of<OrpoOptions>("orpo", "Odds ratio preference optimisation.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(Of<GrpoOptions>(
            "grpo", "Group relative policy optimisation.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(Of<RlooOptions>(
            "rloo", "REINFORCE with a leave-one-out baseline.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(
            Of<PpoOptions>("ppo", "Proximal policy optimisation.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(Of<OnlineDpoOptions>(
            "online-dpo", "DPO of answers that the policy writes.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(Of<XpoOptions>(
            "xpo", "Exploratory preference optimisation.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(Of<NashMdOptions>(
            "nash-md", "Nash mirror descent.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(Of<RaftOptions>(
            "raft", "Reward-ranked fine-tuning.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(
            Of<PrmOptions>("prm", "A process reward model.", console, (trl, options, source) => trl.Plan(options, source)));
        plan.Subcommands.Add(Of<TextClassificationOptions>(
            "classification", "A text classifier.", console, (trl, options, source) => trl.Plan(options, source)));
        return plan;
    }

    private static Command Of<TOptions>(
        string name, string description, IAnsiConsole console, Func<TrlCatalog, TOptions, ModelSource, TrainingPlan> make)
        where TOptions : TrainingOptions, new()
    {
        var model = new Option<string>("--model_name_or_path", "--model-name-or-path")
        {
            Description = "Folder of the model on this machine.", Required = true,
        };
        var json = new Option<bool>("--json") { Description = "Write the plan as JSON." };
        var flags = new OptionFlags<TOptions>();
        var command = new Command(name, description) { model, json };
        flags.AddTo(command);
        command.SetAction(parsed =>
        {
            TrainingPlan plan = make(new MLContext().Trl(), flags.Read(parsed), ModelSource.Folder(parsed.GetValue(model)!));
            if (parsed.GetValue(json))
                console.Profile.Out.Writer.WriteLine(JsonSerializer.Serialize(plan, PlanTable.Json));
            else
                PlanTable.Write(plan, console);
            return TrlCommandLine.Success;
        });
        return command;
    }
}
